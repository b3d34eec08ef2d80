import { formatBytes } from '../../protocol/bytes.ts';
import { limits as blockLimits } from '../../protocol/limits.ts';
import type { Ended } from '../../protocol/output/ended.ts';
import type { SyncStatus } from '../../protocol/output/sync-status.ts';
import { ancestors } from '../../protocol/path.ts';
import { describePause, formatTime } from '../common/format.ts';
import { type Ignores, loadRules } from '../disk/ignore.ts';
import { listLeftovers } from '../disk/left-out.ts';
import { isBeingSynced } from '../engine/folder.ts';
import { pauseOf } from '../engine/metered-pause.ts';
import { pathOf } from '../plan/operation.ts';
import { plan } from '../plan/plan.ts';
import { isDirectory, isLeaf } from '../plan/tree.ts';
import { readConfiguration } from '../service/config.ts';
import { holdAt, type Limits } from '../service/limits.ts';
import { type News, readBulletin, refusalOfDisk } from '../state/bulletin.ts';
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
  const limits = configuration?.limits;
  const state = new State(root);
  try {
    const { ignores } = await loadRules(root);
    const status = {
      folder: root,
      account: state.fact('account'),
      device: configuration?.device_name,
      ...summarize(state, ignores),
      leftovers: listLeftovers(state.trees),
      ...(limits && { limits: { ...limits, hold: holdAt(limits, new Date()) } }),
      ...(await present(root, configFolder, limits)),
    };
    return await show({ status, state, ignores });
  } finally {
    state.close();
  }
}

/** A transfer of which nothing moved for so long stalls. */
const STALLS_MS = 20_000;
/** As many go on at once, in lanes by size, over a slow way. */
const SHARED_BY = 3;

/** It is told with each block, and limits may let that take its time. */
function stallsAfter({ up = Number.POSITIVE_INFINITY, down = Number.POSITIVE_INFINITY }: Limits = {}): number {
  return STALLS_MS + (1000 * SHARED_BY * blockLimits.blockBytes) / Math.min(up, down);
}

export type Present = Pick<SyncStatus, 'running' | 'ended' | 'paused' | 'offline' | 'trouble' | 'transfers' | 'moving'>;

/** What is going on now: what the process that syncs says of itself, and whether the disk takes anything. */
export async function present(root: string, configFolder: string, limits?: Limits): Promise<Present> {
  const running = isBeingSynced(root);
  const paused = await pauseOf(root, configFolder);
  const said = readBulletin(root);
  const now: News = running ? said : {};
  const { offline, trouble, transfers, moving } = now;
  const refusal = trouble ?? refusalOfDisk(root);
  return {
    running,
    ...(!running && said.ended && { ended: said.ended }),
    ...(paused && { paused }),
    ...(offline && { offline }),
    ...(refusal && { trouble: refusal }),
    ...(moving && { moving }),
    ...(transfers && {
      transfers: transfers.map((one) => ({ ...one, stalls: Date.now() - one.moved_at > stallsAfter(limits) })),
    }),
  };
}

/** Why a folder is not synced any more, in words. */
export function describeEnd({ at, message }: Ended): string {
  return `stopped on ${formatTime(at)}: ${message}`;
}

/** Whether a folder is being synced, in words. */
export function describeState({ running, paused, offline }: Present): string {
  if (paused) return `${describePause(paused)}${running ? '' : ', and not running'}`;
  if (!running) return 'not running';
  return offline ? `offline since ${formatTime(offline.since)} because ${offline.message}` : 'syncing';
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
    files: entries.filter(isLeaf).length,
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
