import { formatBytes } from '../../protocol/bytes.ts';
import type { SyncStatus } from '../../protocol/output/sync-status.ts';
import { ancestors } from '../../protocol/path.ts';
import { formatTime } from '../common/format.ts';
import { type Ignores, loadIgnores } from '../disk/ignore.ts';
import { listLeftovers } from '../disk/left-out.ts';
import { isBeingSynced } from '../engine/folder.ts';
import { pathOf } from '../plan/operation.ts';
import { plan } from '../plan/plan.ts';
import { isDirectory } from '../plan/tree.ts';
import { readConfiguration } from '../service/config.ts';
import { readBulletin, refusalOfDisk } from '../state/bulletin.ts';
import { readPause } from '../state/pause.ts';
import { State } from '../state/state.ts';
import { syncedFolder } from './synced-folder.ts';

/** What a folder's sync knows, and how it gets on. */
export interface Overview {
  /** All but what rules leave out: that takes a walk through the whole folder. */
  readonly status: Omit<SyncStatus, 'left_out'>;
  readonly state: State;
  readonly ignores: Ignores;
}

/**
 * Looks at the state of a folder, and at the process that syncs it if one does; nothing is asked of the service.
 *
 * @param directory the folder; the one that this device syncs when `undefined`
 * @param show is given what was seen while the state is open
 * @throws `usage` when no folder is synced, `folder_unknown` when this one is not
 */
export async function withOverview<Result>(
  configFolder: string,
  directory: string | undefined,
  show: (overview: Overview) => Result | Promise<Result>,
): Promise<Result> {
  const root = await syncedFolder(configFolder, directory);
  const configuration = await readConfiguration(configFolder);
  const state = new State(root);
  try {
    const ignores = await loadIgnores(root);
    const status = {
      folder: root,
      account: state.fact('account'),
      device: configuration?.device_name,
      ...summarize(state, ignores),
      leftovers: listLeftovers(state.trees),
      ...present(root),
    };
    return await show({ status, state, ignores });
  } finally {
    state.close();
  }
}

/** A transfer of which nothing moved for so long stalls. */
const STALLS_MS = 20_000;

/** What is going on now: what the process that syncs says of itself, and whether the disk takes anything. */
function present(root: string): Pick<SyncStatus, 'running' | 'paused' | 'offline' | 'trouble' | 'transfers'> {
  const running = isBeingSynced(root);
  const paused = readPause(root);
  const { offline, trouble, transfers } = running ? readBulletin(root) : {};
  const refusal = trouble ?? refusalOfDisk(root);
  return {
    running,
    ...(paused && { paused }),
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

/** How far a transfer is, in words. */
export function describeTransfer({
  bytes,
  file_bytes,
  moved_at,
  stalls,
}: NonNullable<SyncStatus['transfers']>[number]): string {
  const since = stalls ? `, stalls since ${formatTime(moved_at)}` : '';
  return `${formatBytes(bytes)} of ${formatBytes(file_bytes)}${since}`;
}

/** Why a directory that is among the leftovers is there. */
export const whyKept = 'deleted elsewhere; it is here for what is not synced in it';
