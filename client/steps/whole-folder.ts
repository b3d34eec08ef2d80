import type { Change } from '../../protocol/changes.ts';
import type { CommitResult } from '../../protocol/commit.ts';
import { isWithin } from '../../protocol/path.ts';
import { compareCodePoints } from '../../protocol/tree-hash.ts';
import { type RemoteEntry, type Tree, within } from '../plan/tree.ts';
import type { MovedItem, WholeFolder } from '../state/intent.ts';
import { treeHashes } from './tree-hashes.ts';

/**
 * Entries from which on a directory is tried as a whole, in a call of its own. Fewer are little work one by one, and each
 * of them goes that nobody changes meanwhile, while a directory in which somebody works all the time would not go at all.
 */
export const WHOLE_FROM = 32;

type Move = Pick<MovedItem, 'from' | 'to' | 'base_version'>;

/** The one of these renames, of a directory, that all others only go along with. */
export function folderMove<M extends Move>(remote: Tree<RemoteEntry>, moves: readonly M[]): M | undefined {
  if (moves.length < 2) return undefined;
  const folder = moves.reduce((one, other) => (isWithin(one.from, other.from) ? other : one));
  const { from, to } = folder;
  const goesAlong = (move: Move): boolean => isWithin(move.from, from) && move.to === to + move.from.slice(from.length);
  return remote.get(from)?.kind === 'directory' && moves.every(goesAlong) ? folder : undefined;
}

/** The directory whose rename, with all that is in it at the service, these renames are, if they are nothing else. */
export function wholeFolder(remote: Tree<RemoteEntry>, moves: readonly Move[]): WholeFolder | undefined {
  const folder = folderMove(remote, moves);
  if (!folder) return undefined;
  const { from, to, base_version } = folder;
  const inside = within(remote, from);
  if (inside.length !== moves.length) return undefined;
  return { from, to, base_version, tree_hash: treeHashes(inside).get(from)! };
}

/** What the answer to the rename of a whole directory says of each entry. */
export function resultsOfFolder(
  { to }: Pick<WholeFolder, 'to'>,
  moves: readonly Move[],
  results: readonly CommitResult[],
): CommitResult[] {
  const result = results.find(({ path }) => path === to);
  if (!result) return [];
  const paths = moves.map((move) => move.to).sort(compareCodePoints);
  if ('error' in result) return paths.map((path) => ({ ...result, path }));
  const { version, version_id, cursor } = result;
  return paths.map((path, index) => ({ path, version, version_id, cursor: cursor + index }));
}

/**
 * The changes that the rename of a whole directory stands for, by what the remote tree has in it; undefined where that is
 * not all that moved, as after a commit of this device that was not read yet.
 * @param unknown paths of which the tree may not have what the service has
 */
export function movesOfFolder(
  remote: Tree<RemoteEntry>,
  change: Change,
  unknown: readonly string[],
): Change[] | undefined {
  const { entry, moved_from: from, entries, ...told } = change;
  if (from === undefined || unknown.some((path) => isWithin(path, from))) return undefined;
  const inside = within(remote, from);
  if (inside.length !== entries || !remote.has(from)) return undefined;
  inside.sort(([one], [other]) => compareCodePoints(one, other));
  return inside.map(([path, { moved_from: _, blocks, ...known }], index) => ({
    ...told,
    cursor: told.cursor + index,
    entry: { ...known, blocks: [...blocks], path: entry.path + path.slice(from.length), version: entry.version },
    moved_from: path,
  }));
}
