import { type Operation, pathOf } from './operation.ts';
import { findLocalMoves, findRemoteMoves } from './plan-moves.ts';
import { ancestors, same, sameContent, type Trees } from './tree.ts';

export interface PlanOptions {
  /** Paths whose entries may differ; all of them if absent. */
  readonly dirty?: Iterable<string>;
  /** Paths that are not synced: ignored, or of a kind that cannot be. */
  readonly blocked?: (path: string) => boolean;
  /** Paths whose rename the service refused: they travel as a new file and a deletion. */
  readonly unmovable?: ReadonlySet<string>;
  /** A free name for the local side of a conflict at `path`. */
  readonly conflictPath: (path: string) => string;
}

const never = (): boolean => false;

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
  const moves = [
    ...findRemoteMoves(trees, byPath, blocked),
    ...findLocalMoves(trees, byPath, options.unmovable ?? new Set()),
  ];
  for (const move of moves) {
    byPath.delete(move.from);
    byPath.set(move.to, move);
  }
  keepNeededDirectories(trees, byPath, options);
  bringBackLeftovers(trees, byPath);
  return [...byPath.values()].sort(inOrder);
}

/** What the three entries of one path ask for, by themselves. */
function decide(path: string, { local, remote, synced }: Trees, options: PlanOptions): Operation | undefined {
  const [l, r, s] = [local.get(path), remote.get(path), synced.get(path)];
  if (!l && !r) return s ? { do: 'forget', path } : undefined;
  const [localChanged, remoteChanged] = [!same(l, s), !same(r, s)];
  if (!localChanged && !remoteChanged) return r!.version === s!.version ? undefined : { do: 'adopt', path };
  if (l && r && same(l, r)) return { do: 'adopt', path };

  if (!r) {
    if (s && !localChanged) return { do: 'deleteLocal', path };
    if (l?.leftover && !s) return undefined;
    return { do: 'upload', path, base_version: 0 };
  }
  if (!l) {
    return remoteChanged ? { do: 'download', path } : { do: 'deleteRemote', path, base_version: r.version };
  }

  const base_version = r.version;
  if (l.kind === r.kind) {
    if (!localChanged) return { do: 'download', path };
    if (!remoteChanged) return { do: 'upload', path, base_version };
  } else {
    const room = { makesRoom: true } as const;
    if (!localChanged) return { do: 'deleteLocal', path, ...(l.kind === 'file' ? room : {}) };
    if (!remoteChanged) return { do: 'deleteRemote', path, base_version, ...(r.kind === 'file' ? room : {}) };
  }
  if (sameContent(l, r)) return s?.mode === r.mode ? { do: 'upload', path, base_version } : { do: 'download', path };
  return { do: 'setAside', path, to: options.conflictPath(path) };
}

/** A directory that one side deleted stays when something inside it stays; it comes back on the side that lost it. */
function keepNeededDirectories(trees: Trees, byPath: Map<string, Operation>, options: PlanOptions): void {
  const back = {
    deleteLocal: (path: string): Operation => ({ do: 'upload', path, base_version: 0 }),
    deleteRemote: (path: string): Operation => ({ do: 'download', path }),
  };
  const sides = [
    { what: 'deleteLocal', move: 'moveLocal', here: trees.local, there: trees.remote },
    { what: 'deleteRemote', move: 'moveRemote', here: trees.remote, there: trees.local },
  ] as const;
  for (const { what, move, here, there } of sides) {
    const deleted = [...byPath.values()].filter(
      (operation) => operation.do === what && here.get(operation.path)?.kind === 'directory',
    );
    if (deleted.length === 0) continue;
    const leaving = new Set<string>();
    for (const operation of byPath.values()) {
      if (operation.do === what) leaving.add(operation.path);
      if (operation.do === move) leaving.add(operation.from);
    }
    const needed = directoriesOf(here.keys(), leaving);
    for (const operation of deleted) {
      const path = pathOf(operation);
      if (!needed.has(path)) continue;
      byPath.set(path, there.has(path) ? { do: 'setAside', path, to: options.conflictPath(path) } : back[what](path));
    }
  }
}

/** A directory that only stayed for what is not synced comes back to the service with what is. */
function bringBackLeftovers({ local, synced }: Trees, byPath: Map<string, Operation>): void {
  for (const { do: what, path } of [...byPath.values()].filter((operation) => 'path' in operation)) {
    if (what !== 'upload') continue;
    for (const above of ancestors(path)) {
      if (!local.get(above)?.leftover || synced.has(above) || byPath.has(above)) continue;
      byPath.set(above, { do: 'upload', path: above, base_version: 0 });
    }
  }
}

/** All directories above the paths that do not leave. */
function directoriesOf(paths: Iterable<string>, leaving: ReadonlySet<string>): Set<string> {
  const result = new Set<string>();
  for (const path of paths) {
    if (leaving.has(path)) continue;
    for (const directory of ancestors(path)) {
      if (result.has(directory)) break;
      result.add(directory);
    }
  }
  return result;
}

const MAKING_ROOM_RANK = 4;
const rank: Record<Operation['do'], number> = {
  adopt: 0,
  forget: 0,
  moveRemote: 1,
  moveLocal: 2,
  setAside: 3,
  download: 5,
  deleteLocal: 6,
  upload: 7,
  deleteRemote: 8,
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
  return 'makesRoom' in operation && operation.makesRoom ? MAKING_ROOM_RANK : rank[operation.do];
}
