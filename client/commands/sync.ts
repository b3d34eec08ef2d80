import { Command } from 'commander';
import { loadConfiguration } from '../config.ts';
import { runSync } from '../engine.ts';
import { ClientError } from '../errors.ts';
import { lockFolder, openFolder } from '../folder.ts';
import { humanReport, jsonReport } from '../report.ts';
import { startSession } from '../session.ts';

interface Options {
  readonly once?: true;
  readonly json?: true;
  readonly allowMassDelete?: true;
  readonly startAnew?: true;
}

/** Time for running transfers to end after Ctrl-C. */
const GRACE_MS = 1000;

export function syncCommand(configFolder: () => string): Command {
  return new Command('sync')
    .description('keep a folder identical with the service until Ctrl-C')
    .argument('[dir]', 'the folder (default: the one this device syncs)')
    .option('--once', 'bring both sides together, then exit')
    .option('--json', 'print one line of JSON per event')
    .option('--allow-mass-delete', 'go on when more than half of the files would be deleted')
    .option('--start-anew', 'forget what was synced before: merge this folder with the service, deleting nothing')
    .action(async (directory: string | undefined, options: Options) => sync(configFolder(), directory, options));
}

async function sync(folder: string, directory: string | undefined, options: Options): Promise<void> {
  const configuration = await loadConfiguration(folder);
  const wanted = directory ?? configuration.folder?.path;
  if (wanted === undefined) throw new ClientError('usage', 'which folder? Give it once: tidemark sync DIR');
  const { root, state } = await openFolder(folder, configuration, wanted, options.startAnew === true);
  const lock = lockFolder(root);
  const report = options.json ? jsonReport(process.stdout) : humanReport(process.stdout);
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
    // A long transfer is broken off: the disk is consistent at any moment, and the next start goes on from here.
    setTimeout(() => process.exit(0), GRACE_MS).unref();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    await runSync({
      root,
      state,
      configuration: { ...configuration, folder: { path: root, id: state.folderId } },
      session: startSession(folder, { ...configuration, folder: { path: root, id: state.folderId } }),
      report,
      signal: stop.signal,
      once: options.once === true,
      allowMassDelete: options.allowMassDelete === true,
    });
  } catch (error) {
    if (options.json && error instanceof ClientError)
      report({ event: 'error', code: error.code, message: error.message });
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    lock.release();
    state.close();
  }
}
