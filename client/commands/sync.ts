import { Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../../cli/reason.ts';
import { ClientError, exitCode, LocalTrouble } from '../common/errors.ts';
import { sleep } from '../common/waits.ts';
import { DeviceNames } from '../engine/device-names.ts';
import { lockFolder, openFolder, pathsApart } from '../engine/folder.ts';
import { whileNotPaused } from '../engine/pauses.ts';
import { runSync } from '../engine/run.ts';
import { Settings } from '../engine/settings.ts';
import { Trouble } from '../engine/trouble.ts';
import { humanReport } from '../output/human-report.ts';
import { LogBook } from '../output/log-book.ts';
import { logFile } from '../output/log-file.ts';
import { jsonReport, type Report } from '../output/report.ts';
import { keepAccessTokens } from '../service/access-token.ts';
import { type Api, createApi } from '../service/api.ts';
import { type Configuration, loadConfiguration } from '../service/config.ts';
import { logPlace } from '../state/places.ts';

interface Options {
  readonly once?: true;
  readonly json?: true;
  readonly allowMassDelete?: true;
  readonly startAnew?: true;
  readonly cacheMb?: number;
  readonly logFile?: string;
}

/** Time for what is under way to end, after Ctrl-C and after an error. */
const GRACE_MS = 1000;

export function syncCommand(configFolder: () => string): Command {
  return new Command('sync')
    .description('keep a folder identical with the service until Ctrl-C')
    .argument('[dir]', 'the folder (default: the one this device syncs)')
    .option('--once', 'bring both sides together, then exit')
    .option('--json', 'print one line of JSON per event')
    .option('--allow-mass-delete', 'go on when more than half of the files, and at least five, would be deleted')
    .option('--start-anew', 'forget what was synced before: merge this folder with the service, deleting nothing')
    .option(
      '--cache-mb <number>',
      "from now on keep at most so many MB of earlier content in the folder's .tidemark, by which edits travel as deltas (default: 1074; 0 for none)",
      parseMegabytes,
    )
    .option('--log-file <file>', 'write what it says there instead, with the time, and begin anew at 2 MB')
    .addHelpText(
      'after',
      `
Examples
  tidemark sync ~/Tidemark
  tidemark sync --once
  tidemark sync ~/Tidemark --start-anew`,
    )
    .action(async (directory: string | undefined, options: Options) => sync(configFolder(), directory, options));
}

async function sync(folder: string, directory: string | undefined, options: Options): Promise<void> {
  const output = options.logFile === undefined ? undefined : await logFile(options.logFile, options.json === true);
  const report = options.json ? jsonReport(output ?? process.stdout) : humanReport(output ?? process.stdout);
  const stop = stopOnSignal(options.once === true);
  let told: unknown;
  let hasEnded = false;
  const onFatal = (error: unknown): void => {
    told = error;
    if (!options.json) output?.write(`tidemark: ${messageOf(error)}\n`);
    if (!(error instanceof ClientError)) return;
    if (options.json) report({ event: 'error', code: error.code, message: error.message });
    // What is under way should end by itself, and nothing is lost with it if it does not.
    setTimeout(() => {
      if (!hasEnded) console.error(`tidemark: ${error.message}`);
      process.exit(error.exitCode);
    }, GRACE_MS).unref();
  };
  try {
    await syncUntil(stop.signal, { folder, directory, options, report, onFatal });
    if (options.once && stop.signal.aborted) throw new ClientError('interrupted', 'stopped before all was synced');
  } catch (error) {
    if (error !== told) onFatal(error);
    throw error;
  } finally {
    hasEnded = true;
    stop.release();
  }
}

interface Task {
  readonly folder: string;
  readonly directory: string | undefined;
  readonly options: Options;
  readonly report: Report;
  readonly onFatal: (error: unknown) => void;
}

async function syncUntil(signal: AbortSignal, task: Task): Promise<void> {
  const { folder, options } = task;
  const opened = await openPatiently(signal, task);
  if (!opened) return;
  const { root, state, configuration } = opened;
  try {
    const lock = lockFolder(root);
    try {
      const onUnsaved = (reason: string): void =>
        task.report({
          event: 'error',
          code: 'local',
          message: `${reason}; sign in again if this device stops before that`,
        });
      const tokens = keepAccessTokens(folder, configuration, { onUnsaved });
      const once = options.once === true;
      const log = keepLog(root, createApi(configuration.api_url, tokens, { signal }), task);
      const { report, onFatal } = log;
      const apart = await pathsApart(root, folder);
      const settings = await Settings.follow(folder, root, configuration);
      const parts = {
        root,
        state,
        configuration,
        device: settings.device,
        tokens,
        report,
        onFatal,
        once,
        allowMassDelete: options.allowMassDelete === true,
        apart,
      };
      try {
        const either = AbortSignal.any([signal, settings.signedOut]);
        const sync = (until: AbortSignal): Promise<void> => runSync({ ...parts, signal: until });
        await whileNotPaused({ root, settings, report, signal: either, once }, sync);
        if (settings.signedOut.aborted) {
          throw new ClientError('not_signed_in', "this device was signed out: run 'tidemark login' again");
        }
      } finally {
        settings.close();
        log.close();
      }
    } finally {
      lock.release();
    }
  } finally {
    state.close();
  }
}

/** Has all that a sync tells written down as well, for `tidemark log`. */
function keepLog(
  root: string,
  api: Api,
  { report, onFatal }: Pick<Task, 'report' | 'onFatal'>,
): Pick<Task, 'report' | 'onFatal'> & { close(): void } {
  const book = new LogBook(logPlace(root));
  const names = new DeviceNames(root, api);
  return {
    report: (event) => {
      report(event);
      book.note(event);
      if ('device_id' in event && event.device_id !== undefined) names.meet(event.device_id);
    },
    onFatal: (error) => {
      if (error instanceof ClientError) book.note({ event: 'error', code: error.code, message: error.message });
      onFatal(error);
    },
    close: () => book.close(),
  };
}

/** Opens the folder, again and again while the disk does not let it; `undefined` when the signal came first. */
async function openPatiently(
  signal: AbortSignal,
  { folder, directory, options, report }: Task,
): Promise<(Awaited<ReturnType<typeof openFolder>> & { configuration: Configuration }) | undefined> {
  const trouble = new Trouble(report, options.once === true);
  while (!signal.aborted) {
    try {
      const saved = await loadConfiguration(folder);
      const chosen = options.cacheMb === undefined ? {} : { cache_bytes: options.cacheMb * 1_000_000 };
      const configuration = { ...saved, ...chosen };
      const wanted = directory ?? configuration.folder?.path;
      if (wanted === undefined) throw new ClientError('usage', 'which folder? Give it once: tidemark sync DIR');
      const opened = await openFolder(folder, configuration, wanted, options.startAnew === true);
      return {
        ...opened,
        configuration: { ...configuration, folder: { path: opened.root, id: opened.state.folderId } },
      };
    } catch (error) {
      if (!(error instanceof LocalTrouble)) throw error;
      await sleep(trouble.meet(error), signal);
    }
  }
  return undefined;
}

/** A signal that fires with Ctrl-C and the like; who asks twice does not wait. */
function stopOnSignal(once: boolean): { readonly signal: AbortSignal; release(): void } {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(exitCode.interrupted);
    stop.abort();
    // A long transfer is broken off: the disk is consistent at any moment, and the next start goes on from here.
    setTimeout(() => process.exit(once ? exitCode.interrupted : 0), GRACE_MS).unref();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    signal: stop.signal,
    release: () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  };
}

function parseMegabytes(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A number of megabytes is a whole number, 0 for no cache.');
}
