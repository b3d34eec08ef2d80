import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError } from 'commander';
import type { Difference } from '../../protocol/compare.ts';
import { errorStatus } from '../../protocol/errors.ts';
import type { RestoreRequest } from '../../protocol/restore.ts';
import { ClientError } from '../common/errors.ts';
import { formatTime, printable, say } from '../common/format.ts';
import { locateInFolder } from '../engine/folder.ts';
import { wakeSync } from '../engine/wake.ts';
import { keepAccessTokens } from '../service/access-token.ts';
import { type Api, createApi } from '../service/api.ts';
import { type Configuration, loadConfiguration } from '../service/config.ts';
import { ServiceError, Unreachable } from '../service/errors.ts';
import { KeptRequest } from '../service/kept-request.ts';
import { requestPlace } from '../state/places.ts';
import { isFinal } from '../steps/refusals.ts';
import { readDifferences, rollBack } from '../steps/rollback.ts';

interface Options {
  readonly version?: number;
  readonly at?: Date;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly json?: true;
}

/** Paths that the preview lists before it only counts. */
const LISTED = 20;

export function restoreCommand(configFolder: () => string): Command {
  return new Command('restore')
    .description('bring back an old version of a file, or all that a folder was at some time')
    .argument('<path>', 'a file or folder in the synced folder, which may be deleted; or the synced folder itself')
    .option('--version <number>', "this version of a file; 'tidemark history' lists them", parseVersion)
    .option('--at <time>', 'all as it was then, e.g. "2026-11-20 14:30"; up to 30 days ago', parseTime)
    .option('--dry-run', 'with --at: only show what would change')
    .option('--yes', 'with --at: do not ask')
    .option('--json', 'print one line of JSON per path')
    .addHelpText(
      'after',
      `
Examples
  tidemark restore ~/Tidemark/report.odt --version 3
  tidemark restore ~/Tidemark/Photos --at "2026-11-20 14:30" --dry-run
  tidemark restore ~/Tidemark --at 2026-11-20T14:30:00Z --yes`,
    )
    .action(async (path: string, options: Options) => restore(configFolder(), path, options));
}

async function restore(folder: string, path: string, options: Options): Promise<void> {
  const { version, at } = options;
  if ((version === undefined) === (at === undefined)) {
    throw new ClientError('usage', 'give either --version N, for one file, or --at TIME, for a file or folder');
  }
  if (options.json && at && !options.dryRun && !options.yes) {
    throw new ClientError('usage', 'with --json nobody is asked: give --yes, or --dry-run');
  }
  const configuration = await loadConfiguration(folder);
  const api = createApi(configuration.api_url, keepAccessTokens(folder, configuration));
  const { root, inside } = locateInFolder(path);
  try {
    if (at) await restoreAt(api, configuration, inside, at, options);
    else await restoreVersion(api, configuration, { root, path: inside, version: version! }, options);
  } finally {
    // Also without an answer: it may have been done.
    wakeSync(root);
  }
}

function folderHasNoVersions(): ClientError {
  return new ClientError('usage', 'a folder has no versions of what is in it: give --at TIME');
}

interface Wish {
  readonly root: string;
  readonly path: string;
  readonly version: number;
}

async function restoreVersion(
  api: Api,
  { device_id }: Configuration,
  { root, path, version }: Wish,
  { json }: Options,
): Promise<void> {
  if (path === '') throw folderHasNoVersions();
  const kept = new KeptRequest<RestoreRequest>(requestPlace(root), `${device_id}: version ${version} of ${path}`);
  const unanswered = await kept.read();
  // Refused now, it was not carried out, or so long ago that nobody knows.
  const before = unanswered && (await sendRestore(api, unanswered).catch(passRefusal));
  const { body: past } = await api.history(device_id, path);
  const newest = past.versions[0];
  if (newest?.kind === 'directory') throw folderHasNoVersions();
  let done = before !== undefined && before.version === newest?.version ? before : undefined;
  if (!done) {
    const { body: there } = await api.history(device_id, path, version + 1);
    const from = there.versions.find((one) => one.version === version)?.path ?? path;
    const base_version = !newest || newest.change_type === 'delete' ? 0 : newest.version;
    const request = { request_id: randomUUID(), device_id, files: [{ path, from, version, base_version }] };
    await kept.keep(request);
    done = await sendRestore(api, request).catch(async (error) => {
      if (error instanceof ServiceError && isFinal(error.code)) await kept.drop();
      throw error;
    });
  }
  await kept.drop();
  if (json) console.log(JSON.stringify(done));
  else say(`${done.path} has the content of version ${version} again, as version ${done.version}`);
}

async function sendRestore(api: Api, request: RestoreRequest): Promise<{ path: string; version: number }> {
  const { body } = await api.restore(request).catch(tellDoubt);
  const result = body.results[0]!;
  if (!('error' in result)) return result;
  throw new ServiceError(result.error.code, errorStatus[result.error.code], result.error.message);
}

function tellDoubt(error: unknown): never {
  if (!(error instanceof Unreachable)) throw error;
  const hint = 'Whether it was restored is not known: give the same command again, which restores nothing twice';
  throw new ClientError('unreachable', `${error.message}. ${hint}.`, { cause: error });
}

function passRefusal(error: unknown): undefined {
  if (!(error instanceof ServiceError) || !isFinal(error.code)) throw error;
}

async function restoreAt(
  api: Api,
  { device_id }: Configuration,
  path: string,
  at: Date,
  { dryRun, yes, json }: Options,
): Promise<void> {
  const differences = await readDifferences(api, device_id, at.getTime(), path);
  const name = path === '' ? 'the folder' : path;
  if (json) for (const difference of differences) console.log(JSON.stringify(difference));
  else if (differences.length > 0) preview(differences, dryRun ? differences.length : LISTED);
  else say(`${name} is what it was on ${formatTime(at.getTime())}`);
  if (differences.length === 0) return;
  if (dryRun || !(yes || (await isConfirmed()))) return;
  const refused = await rollBack(api, device_id, differences).catch(tellDoubt);
  for (const { path, error } of refused) console.error(printable(`${path}: ${error.message}`));
  if (refused.length > 0) {
    const done = differences.length - new Set(refused.map(({ path }) => path)).size;
    throw new ClientError('incomplete', `${done} of ${differences.length} are back; run it again for the others`);
  }
  if (!json) say(`${name} is back to what it was on ${formatTime(at.getTime())}`);
}

/** @param most how many are listed before the others are only counted */
function preview(differences: readonly Difference[], most: number): void {
  for (const difference of differences.slice(0, most)) say(describeDifference(difference));
  if (differences.length > most) say(`… and ${differences.length - most} more; --dry-run lists all`);
  say(summary(differences));
}

function describeDifference({ path, now, before }: Difference): string {
  if (!before) return `remove     ${path}`;
  if (!now) return `bring back ${path}`;
  return `set back   ${path} (version ${now.version} to the content of ${before.version})`;
}

function summary(differences: readonly Difference[]): string {
  const back = differences.filter(({ now }) => !now).length;
  const removed = differences.filter(({ before }) => !before).length;
  const set = differences.length - back - removed;
  return `${back} to bring back, ${set} to set back, ${removed} to remove; every version of today stays in the history`;
}

async function isConfirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) throw new ClientError('usage', 'nobody is here to ask: give --yes, or --dry-run');
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question('Go on? [y/N] ');
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

function parseVersion(text: string): number {
  const version = Number(text);
  if (Number.isInteger(version) && version > 0) return version;
  throw new InvalidArgumentError('A version is a whole number from 1; see tidemark history.');
}

function parseTime(text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('A time is written like "2026-11-20 14:30" or 2026-11-20T14:30:00Z.');
}
