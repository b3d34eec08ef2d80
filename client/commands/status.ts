import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { formatBytes } from '../../protocol/bytes.ts';
import type { SyncStatus } from '../../protocol/output/sync-status.ts';
import { ancestors } from '../../protocol/path.ts';
import { ClientError } from '../common/errors.ts';
import { formatTime, say } from '../common/format.ts';
import { describeExclusion, type Ignores, loadIgnores } from '../disk/ignore.ts';
import { listLeftOut, listLeftovers } from '../disk/left-out.ts';
import { lockFolder } from '../engine/folder.ts';
import { pathOf } from '../plan/operation.ts';
import { plan } from '../plan/plan.ts';
import { isDirectory } from '../plan/tree.ts';
import { readConfiguration } from '../service/config.ts';
import { readBulletin, refusalOfDisk } from '../state/bulletin.ts';
import { statePlace } from '../state/places.ts';
import { State } from '../state/state.ts';

export function statusCommand(configFolder: () => string): Command {
  return new Command('status')
    .description('what is synced, what waits, and what cannot be synced and why')
    .argument('[dir]', 'the folder (default: the one this device syncs)')
    .option('--json', 'print JSON')
    .action(async (directory: string | undefined, { json }: { json?: true }) =>
      status(configFolder(), directory, json === true),
    );
}

async function status(folder: string, directory: string | undefined, json: boolean): Promise<void> {
  const configuration = await readConfiguration(folder);
  const root = directory === undefined ? configuration?.folder?.path : resolve(directory);
  if (root === undefined) throw new ClientError('usage', 'no folder is synced yet: run tidemark sync DIR');
  if (!existsSync(statePlace(root))) {
    throw new ClientError('folder_unknown', `${root} is not synced: run 'tidemark sync ${root}', or mount it`);
  }
  const state = new State(root);
  try {
    const ignores = await loadIgnores(root);
    const shown: SyncStatus = {
      folder: root,
      account: state.fact('account'),
      device: configuration?.device_name,
      ...summarize(state, ignores),
      left_out: await listLeftOut(root, state.trees, ignores),
      leftovers: listLeftovers(state.trees),
      ...present(root),
    };
    if (json) console.log(JSON.stringify(shown));
    else print(shown);
  } finally {
    state.close();
  }
}

/** A transfer of which nothing moved for so long stalls. */
const STALLS_MS = 20_000;

/** What is going on now: what the process that syncs says of itself, and whether the disk takes anything. */
function present(root: string): Pick<SyncStatus, 'running' | 'offline' | 'trouble' | 'transfers'> {
  const running = isRunning(root);
  const { offline, trouble, transfers } = running ? readBulletin(root) : {};
  const refusal = trouble ?? refusalOfDisk(root);
  return {
    running,
    ...(offline && { offline }),
    ...(refusal && { trouble: refusal }),
    ...(transfers && {
      transfers: transfers.map((one) => ({ ...one, stalls: Date.now() - one.moved_at > STALLS_MS })),
    }),
  };
}

type Summary = Pick<SyncStatus, 'files' | 'directories' | 'bytes' | 'cursor' | 'pending' | 'problems'>;

function summarize(state: State, ignores: Ignores): Summary {
  const entries = [...state.trees.synced.values()];
  const problems = state.problems();
  const listed = new Set(problems.map(({ path }) => path));
  const operations = plan(state.trees, {
    conflictPath: (path) => path,
    blocked: (path) =>
      [path, ...ancestors(path)].some((above) => listed.has(above)) ||
      ignores(path, isDirectory(state.trees, path)) !== undefined,
  });
  const waiting = operations.filter(({ do: what }) => what !== 'adopt' && what !== 'forget');
  return {
    files: entries.filter(({ kind }) => kind === 'file').length,
    directories: entries.filter(({ kind }) => kind === 'directory').length,
    bytes: entries.reduce((sum, { size }) => sum + size, 0),
    cursor: state.cursor,
    pending: waiting.map((operation) => ({ do: operation.do, path: pathOf(operation) })),
    problems,
  };
}

function isRunning(root: string): boolean {
  try {
    lockFolder(root).release();
    return false;
  } catch (error) {
    if (error instanceof ClientError && error.code === 'folder_busy') return true;
    throw error;
  }
}

/** Lines of one kind that are printed. */
const MOST_LINES = 50;

function printSome(lines: readonly string[], what: string): void {
  for (const line of lines.slice(0, MOST_LINES)) say(line);
  if (lines.length > MOST_LINES) say(`        ${lines.length - MOST_LINES} more ${what}; --json lists them all`);
}

function describeState({ running, offline }: SyncStatus): string {
  if (!running) return 'not running';
  return offline ? `offline since ${formatTime(offline.since)} because ${offline.message}` : 'syncing';
}

function print(status: SyncStatus): void {
  const { left_out, leftovers } = status;
  const { folder, account, files, directories, bytes, cursor, pending, problems } = status;
  const { offline, trouble, transfers = [] } = status;
  say(`${folder}, ${account ?? 'never synced'}`);
  say(`${describeState(status)}, at change ${cursor}`);
  if (trouble)
    say(
      `stopped ${trouble.since === undefined ? '' : `since ${formatTime(trouble.since)} `}by this machine: ${trouble.message}`,
    );
  say(`${files} files and ${directories} directories in sync, ${formatBytes(bytes)}`);
  for (const { path, bytes, file_bytes, moved_at, stalls } of transfers) {
    const since = stalls ? `, stalls since ${formatTime(moved_at)}` : '';
    say(`moves   ${path}: ${formatBytes(bytes)} of ${formatBytes(file_bytes)}${since}`);
  }
  const cause = offline ? ' for the service' : trouble ? ' for this machine' : '';
  for (const { do: what, path } of pending) say(`waits${cause === '' ? '  ' : cause} ${path} (${what})`);
  for (const { path, message } of problems) say(`problem ${path}: ${message}`);
  if (left_out.length > 0) say(`${left_out.length} paths are left out by rules`);
  printSome(
    left_out.map(
      (item) => `ignored ${item.path}: ${describeExclusion(item)}${item.here ? '' : ', at the service only'}`,
    ),
    'are left out',
  );
  printSome(
    leftovers.map((path) => `kept    ${path}: deleted elsewhere; it is here for what is not synced in it`),
    'are kept',
  );
}
