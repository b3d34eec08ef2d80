import type { PoolClient } from 'pg';
import type { ItemError } from '../../protocol/errors.ts';
import type { MoveRequest } from '../../protocol/move.ts';
import { ancestors, isInside, isWithinAny } from '../../protocol/path.ts';
import { excerpt, itemError, staleVersion } from '../shared/answers/errors.ts';
import { directoryRefusals } from '../shared/commit/path-rules.ts';
import type { Namespace } from '../shared/database/rows.ts';
import { findObstacles, type Kind, type Target } from '../shared/tables/files.ts';
import { changedMeanwhile, intoItself, isFile, isTaken, leftBehind, toItself } from './refusals.ts';

/**
 * Plays the moves in order on what is known of the paths, and says by position which of them cannot be done. A refused
 * move leaves its source in place, where later ones may collide with it. A directory moves with all that is in it, or
 * stays with all of it: no reader ever finds content apart from its directory.
 * @param counted positions of the moves whose blocks are counted for the new version
 */
export async function planMoves(
  namespace: Namespace<PoolClient>,
  moves: MoveRequest['moves'],
  targets: ReadonlyMap<string, Target>,
  counted: ReadonlySet<number>,
): Promise<Map<number, ItemError>> {
  const above = [...new Set(moves.flatMap(({ to }) => ancestors(to)))];
  const sources = moves.map(({ from }) => from);
  const isDirectory = ({ from }: MoveRequest['moves'][number]): boolean => targets.get(from)!.kind === 'directory';
  const newFiles = moves.filter((move) => !isDirectory(move)).map(({ to }) => to);
  const sourceDirectories = moves.filter(isDirectory).map(({ from }) => from);
  // What lies below a path, less what this call takes away from there.
  const places = [...newFiles, ...sourceDirectories];
  const { parents, files } = await findObstacles(namespace, { places, above, except: sources });

  const stay = new Set<number>();
  for (;;) {
    const { refused, left } = play(moves, { targets, counted, parents: new Set(parents), files, stay });
    if (left.length === 0) return refused;
    const directories = new Set(left.map((position) => moves[position]!.from));
    for (const [position, { from }] of moves.entries()) {
      if (isWithinAny(from, directories)) stay.add(position);
    }
  }
}

interface Ground {
  readonly targets: ReadonlyMap<string, Target>;
  readonly counted: ReadonlySet<number>;
  /** Paths with something below them that this call does not take away. */
  readonly parents: ReadonlySet<string>;
  /** Paths above the targets that are files. */
  readonly files: readonly string[];
  /** Positions of directories that stay, and of what is in them. */
  readonly stay: ReadonlySet<number>;
}

/** Plays the moves once; `left` are the positions of directories that moved and left something behind. */
function play(
  moves: MoveRequest['moves'],
  { targets, counted, parents, files, stay }: Ground,
): { refused: Map<number, ItemError>; left: number[] } {
  const tree = new Map<string, Kind>();
  /** How many paths of the tree lie below a path, at any depth. */
  const below = new Map<string, number>();
  const count = (path: string, by: 1 | -1): void => {
    for (const above of ancestors(path)) below.set(above, (below.get(above) ?? 0) + by);
  };
  const put = (path: string, kind: Kind): void => {
    if (!tree.has(path)) count(path, 1);
    tree.set(path, kind);
  };
  const take = (path: string): void => {
    if (tree.delete(path)) count(path, -1);
  };
  for (const path of files) put(path, 'file');
  for (const [path, { kind }] of targets) if (kind !== null) put(path, kind);

  const tooMany = directoryRefusals(moves.map(({ from, to }) => [from, to]));
  const refused = new Map<number, ItemError>();
  const arrived = new Set<string>();
  for (const [position, { from, to, base_version }] of moves.entries()) {
    const uncounted = counted.has(position) ? undefined : changedMeanwhile;
    const error =
      check(from, to, base_version) ??
      tooMany.get(position) ??
      uncounted ??
      (stay.has(position) ? leftBehind : undefined);
    if (error) {
      refused.set(position, error);
      continue;
    }
    put(to, tree.get(from)!);
    take(from);
    arrived.add(to);
  }
  const left = [...moves.keys()].filter((position) => {
    const { from } = moves[position]!;
    return !refused.has(position) && targets.get(from)!.kind === 'directory' && holds(from, from);
  });
  return { refused, left };

  function check(from: string, to: string, base: number): ItemError | undefined {
    if (arrived.has(from))
      return itemError('path_conflict', `'${excerpt(from)}' was moved here by this call: move it once`);
    const current = targets.get(from)!.version ?? 0;
    if (current !== base) return staleVersion(current);
    if (from === to) return toItself;
    if (tree.has(to)) return isTaken(to);
    const kind = tree.get(from);
    if (kind === 'directory' && isInside(to, from)) return intoItself;
    const file = ancestors(to).find((path) => path !== from && holdsNone(tree.get(path)));
    if (file !== undefined) return isFile(file);
    if (holdsNone(kind) && holds(to, from)) {
      return itemError('path_conflict', `'${excerpt(to)}' is a directory with content: choose another name`);
    }
    return undefined;
  }

  /** Whether anything but `from` lies below the path now. */
  function holds(path: string, from: string): boolean {
    const others = (below.get(path) ?? 0) - (tree.has(from) && isInside(from, path) ? 1 : 0);
    return parents.has(path) || others > 0;
  }
}

/** Whether nothing can lie below what is at a path. */
function holdsNone(kind: Kind | undefined): boolean {
  return kind === 'file' || kind === 'link';
}
