/**
 * The plan: what has to be done, decided from the three trees alone. Pure; it touches neither the disk nor the
 * service.
 */

import { ancestors } from '../../protocol/path.ts';
import { findFolderMoves } from './folder-moves.ts';
import { bringBackLeftovers, directoriesOf, inMovedFolder, removeEmptied } from './leftovers.ts';
import { findLocalMoves, findRemoteMoves } from './moves.ts';
import { type MoveOperation, type Operation, pathOf } from './operation.ts';
import {
  isLeaf,
  type LocalEntry,
  mergedMode,
  pathsWithinAny,
  type RemoteEntry,
  type SyncedEntry,
  same,
  sameContent,
  type Trees,
} from './tree.ts';
import { putOffUnsettled } from './unsettled.ts';

export interface PlanOptions {
  /** Paths whose entries may differ; all of them if absent. */
  readonly dirty?: Iterable<string>;
  /** Paths that are not synced: ignored, or of a kind that cannot be. */
  readonly blocked?: (path: string) => boolean;
  /** Paths whose rename was refused: by the service, they travel as a new file and a deletion; by the disk, file by file. */
  readonly unmovable?: ReadonlySet<string>;
  /** Whether what is not synced in a directory may get another name together with it. */
  readonly goesAlong?: (from: string, to: string) => boolean;
  /** Paths whose absence here may be half of a rename that was not seen whole: they are neither deleted nor made again yet. */
  readonly unsettled?: (path: string) => boolean;
  /** A free name for the local side of a conflict at `path`. */
  readonly conflictPath: (path: string) => string;
}

const never = (): boolean => false;
const always = (): boolean => true;

/**
 * The operations that bring the three trees nearer to each other, in the order in which to run them: bookkeeping,
 * moves, conflict copies, deletions that make room, downloads, local deletions, uploads, remote deletions. Otherwise
 * creation comes before deletion, and what is inside a directory is deleted before it. Pure: it reads the trees and
 * nothing else.
 *
 * Where both sides changed a path, the service's entry keeps the name, an edit wins over a deletion, and a directory
 * that has to hold something stays. Some differences take two plans: a file that became a directory is deleted by the
 * first and made by the second.
 */
export function plan(trees: Trees, options: PlanOptions): Operation[] {
  const { local, remote, synced } = trees;
  const blocked = options.blocked ?? never;
  const paths = options.dirty ?? new Set([...local.keys(), ...remote.keys(), ...synced.keys()]);
  const byPath = new Map<string, Operation>();
  for (const path of paths) {
    const operation = blocked(path) ? undefined : decide(path, trees, options);
    if (operation) byPath.set(path, operation);
  }
  const unmovable = options.unmovable ?? new Set();
  const put = (move: MoveOperation): void => {
    byPath.delete(move.from);
    byPath.set(move.to, move);
  };
  const ours = findLocalMoves(trees, byPath, unmovable);
  for (const path of ours.flatMap(({ origins = [] }) => origins)) byPath.delete(path);
  for (const move of ours) put(move);
  const folders = findFolderMoves(trees, byPath, { blocked, unmovable, goesAlong: options.goesAlong ?? always });
  for (const move of folders) put(move);
  const ends = new Set(ours.flatMap(({ from, to }) => [from, to]));
  const theirs = findRemoteMoves(trees, byPath, blocked).filter(({ from, to }) => !ends.has(from) && !ends.has(to));
  for (const move of theirs) put(move);
  leaveNewDirectories(trees, byPath, [...folders, ...theirs]);
  keepNeededDirectories(trees, byPath, options);
  bringBackLeftovers(trees, byPath, paths);
  removeEmptied(trees, byPath, paths);
  putOffUnsettled(trees, byPath, options.unsettled ?? never);
  makeDirectoriesFirst(trees, byPath);
  return [...byPath.values()].sort(inOrder);
}

/** What the three entries of one path ask for, by themselves. */
function decide(path: string, { local, remote, synced }: Trees, options: PlanOptions): Operation | undefined {
  const [l, r, s] = [local.get(path), remote.get(path), synced.get(path)];
  if (!l && !r) return s ? { do: 'forget', path } : undefined;
  const [localChanged, remoteChanged] = [!same(l, s), !same(r, s)];
  if (!localChanged && !remoteChanged) {
    return r!.version === s!.version && !s!.lapsed ? undefined : { do: 'adopt', path };
  }
  if (l && r && same(l, r)) return { do: 'adopt', path };

  if (!r) {
    if (s && !localChanged && !s.lapsed) return { do: 'deleteLocal', path };
    if (l?.leftover && !s) return undefined;
    return { do: 'upload', path, base_version: 0 };
  }
  if (!l) {
    if (remoteChanged || s?.lapsed) return { do: 'download', path };
    return { do: 'deleteRemote', path, base_version: r.version };
  }

  const base_version = r.version;
  if (l.kind === r.kind) return merge(path, { local: l, remote: r, synced: s }, options);
  const room = { makesRoom: true } as const;
  if (!localChanged && !s?.lapsed) return { do: 'deleteLocal', path, ...(isLeaf(l) ? room : {}) };
  if (!remoteChanged && !s?.lapsed) {
    return { do: 'deleteRemote', path, base_version, ...(isLeaf(r) ? room : {}) };
  }
  return { do: 'setAside', path, to: options.conflictPath(path) };
}

/** Content and permissions of two entries of one kind come together each for itself. */
function merge(
  path: string,
  { local, remote, synced }: { local: LocalEntry; remote: RemoteEntry; synced: SyncedEntry | undefined },
  options: PlanOptions,
): Operation {
  const mode = mergedMode(local, remote, synced);
  const base_version = remote.version;
  if (sameContent(local, remote)) {
    return mode === local.mode ? { do: 'upload', path, base_version } : { do: 'download', path };
  }
  if (sameContent(local, synced)) return { do: 'download', path };
  if (!sameContent(remote, synced)) return { do: 'setAside', path, to: options.conflictPath(path) };
  return mode === local.mode ? { do: 'upload', path, base_version } : { do: 'setMode', path, mode };
}

/**
 * A directory that one side deleted stays when something inside it stays. It comes back on the side that lost it,
 * unless all that stays is left out of plans.
 */
function keepNeededDirectories(trees: Trees, byPath: Map<string, Operation>, options: PlanOptions): void {
  const back = {
    deleteLocal: (path: string): Operation => ({ do: 'upload', path, base_version: 0 }),
    deleteRemote: (path: string): Operation => ({ do: 'download', path }),
  };
  const isLeftover = (path: string): boolean => trees.local.get(path)?.leftover === true && !trees.synced.has(path);
  const sides = [
    { what: 'deleteLocal', move: 'moveLocal', here: trees.local, there: trees.remote, ignore: isLeftover },
    { what: 'deleteRemote', move: 'moveRemote', here: trees.remote, there: trees.local, ignore: never },
  ] as const;
  for (const { what, move, here, there, ignore } of sides) {
    const deleted = new Set<string>();
    const leaving = new Set<string>();
    for (const operation of byPath.values()) {
      if (operation.do === move) leaving.add(operation.from);
      if (operation.do !== what) continue;
      leaving.add(operation.path);
      if (here.get(operation.path)?.kind === 'directory') deleted.add(operation.path);
    }
    if (deleted.size === 0) continue;
    const goesAlong = move === 'moveLocal' ? inMovedFolder(byPath) : never;
    const staying = pathsWithinAny(here, deleted).filter(
      (path) => !leaving.has(path) && !ignore(path) && !goesAlong(path),
    );
    const blocked = options.blocked ?? never;
    const needed = directoriesOf(staying.filter((path) => !blocked(path)));
    const held = directoriesOf(staying);
    for (const path of deleted) {
      if (!held.has(path)) continue;
      if (there.has(path)) byPath.set(path, { do: 'setAside', path, to: options.conflictPath(path) });
      else if (needed.has(path)) byPath.set(path, back[what](path));
      else byPath.delete(path);
    }
  }
}

/**
 * Directories of this device that nobody needs go when all that is in them goes along with renames of other devices:
 * those in a directory that was renamed, and those that are not at the service yet.
 */
function leaveNewDirectories(
  { local, remote, synced }: Trees,
  byPath: Map<string, Operation>,
  moves: readonly MoveOperation[],
): void {
  const isOurs = (path: string): boolean => byPath.get(path)?.do === 'upload' && !synced.has(path);
  const isNew = (path: string): boolean => isOurs(path) || (remote.has(path) && !byPath.has(path));
  const emptied = new Set<string>();
  for (const { from } of moves) {
    const above = ancestors(from);
    for (const path of above.filter((path) => isOurs(path) && !remote.has(path))) emptied.add(path);
    if (synced.has(from) && !remote.has(from)) continue;
    const renamed = above.findIndex((path) => byPath.get(path)?.do === 'deleteLocal');
    for (const path of above.slice(0, Math.max(0, renamed)).filter(isNew)) emptied.add(path);
  }
  if (emptied.size === 0) return;
  const leaving = new Set(moves.map(({ from }) => from));
  const goesAlong = inMovedFolder(byPath);
  const held = directoriesOf([
    ...pathsWithinAny(local, emptied).filter((path) => !leaving.has(path) && !emptied.has(path) && !goesAlong(path)),
    ...pathsWithinAny(remote, emptied).filter((path) => !leaving.has(path) && !emptied.has(path)),
  ]);
  for (const path of emptied) {
    if (held.has(path)) continue;
    const version = remote.get(path)?.version;
    if (version === undefined) byPath.set(path, { do: 'deleteLocal', path });
    else byPath.set(path, { do: 'deleteRemote', path, base_version: version });
  }
}

/**
 * What is moved finds its directory made and written down: one that came about on the way would be taken for the
 * user's, by others or after the rest of the plan was cut off.
 */
function makeDirectoriesFirst({ local, remote }: Trees, byPath: Map<string, Operation>): void {
  for (const move of [...byPath.values()]) {
    if (!('from' in move)) continue;
    for (const path of ancestors(move.to)) {
      const operation = byPath.get(path);
      const isNew = move.do === 'moveLocal' ? operation?.do === 'download' : operation?.do === 'upload';
      const tree = move.do === 'moveLocal' ? remote : local;
      if (isNew && tree.get(path)?.kind === 'directory')
        byPath.set(path, { ...operation!, makesRoom: true } as Operation);
    }
  }
}

/** Ranks of operations that make room. */
const roomRank: Partial<typeof rank> = { upload: 1, download: 3, deleteLocal: 6, deleteRemote: 6 };
const rank: Record<Operation['do'], number> = {
  adopt: 0,
  forget: 0,
  moveRemote: 2,
  moveLocal: 4,
  setAside: 5,
  setMode: 5,
  download: 7,
  deleteLocal: 8,
  upload: 9,
  deleteRemote: 10,
};

/** Parents come before their children, and after them in deletions: a path sorts before all that it is a prefix of. */
function inOrder(one: Operation, other: Operation): number {
  const byRank = rankOf(one) - rankOf(other);
  if (byRank !== 0) return byRank;
  const [a, b] = [pathOf(one), pathOf(other)];
  const byPath = a < b ? -1 : a > b ? 1 : 0;
  return one.do === 'deleteLocal' || one.do === 'deleteRemote' ? -byPath : byPath;
}

function rankOf(operation: Operation): number {
  const makesRoom = 'makesRoom' in operation && operation.makesRoom;
  return (makesRoom ? roomRank[operation.do] : undefined) ?? rank[operation.do];
}
