import { limits } from '../../protocol/limits.ts';
import { movePathBytes } from '../../protocol/move.ts';
import { ancestors, nameOf, parentOf } from '../../protocol/path.ts';
import { isConflictCopy } from './conflict-name.ts';
import type { MoveOperation, Operation, Step } from './operation.ts';
import { type Content, fileAbove, isLeaf, pathsWithinAny, type Trees } from './tree.ts';

type RemoteMove = Step<'moveRemote'>;

/** Whether a directory above `path` has to replace a file first; a move there would come too early. */
function underFile(tree: ReadonlyMap<string, Content>, path: string): boolean {
  return fileAbove(tree, path) !== undefined;
}

/**
 * Downloads that are the other end of a rename on another device. An edit of the old file goes along, and so does what
 * is new here in a directory that was renamed.
 */
export function findRemoteMoves(
  trees: Trees,
  byPath: ReadonlyMap<string, Operation>,
  blocked: (path: string) => boolean,
): MoveOperation[] {
  const { local, remote, synced } = trees;
  const moves: MoveOperation[] = [];
  const taken = new Set<string>();
  const directories = new Map<string, string>();
  for (const { do: what, path } of pathOperations(byPath)) {
    const to = remote.get(path);
    const from = to?.moved_from;
    if (what !== 'download' || to === undefined || from === undefined || taken.has(from) || blocked(from)) continue;
    if (local.has(path) || synced.has(path) || remote.has(from) || !synced.has(from)) continue;
    if (local.get(from)?.kind !== to.kind || underFile(local, path)) continue;
    if (to.kind === 'directory') {
      if (local.get(from)?.identity === synced.get(from)?.identity) directories.set(from, path);
      continue;
    }
    taken.add(from);
    moves.push({ do: 'moveLocal', from, to: path });
  }
  return directories.size === 0 ? moves : [...moves, ...newcomers(trees, byPath, directories)];
}

/**
 * The files here, by their old names, that follow directories which another device renamed: new ones, and those that were
 * committed after the rename into a directory that was gone by then.
 */
function newcomers(
  { local, remote, synced }: Trees,
  byPath: ReadonlyMap<string, Operation>,
  directories: ReadonlyMap<string, string>,
): MoveOperation[] {
  const isKnown = (path: string): boolean => [local, remote, synced].some((tree) => tree.has(path));
  const isNew = (path: string): boolean => {
    if (synced.has(path) && remote.has(path)) return !byPath.has(path) && !remote.has(parentOf(path));
    return byPath.get(path)?.do === 'upload' && !synced.has(path) && !remote.has(path);
  };
  return pathsWithinAny(local, directories).flatMap((from): MoveOperation[] => {
    const directory = isLeaf(local.get(from)) && ancestors(from).find((above) => directories.has(above));
    if (!directory || !isNew(from)) return [];
    const to = directories.get(directory)! + from.slice(directory.length);
    const isFree = !isKnown(to) && !underFile(local, to) && !underFile(remote, to);
    return isFree ? [{ do: 'moveLocal', from, to }] : [];
  });
}

/**
 * Paths that vanished and paths that appeared here that are two ends of a rename: the same inode, or for files the same
 * content. Of several old paths with one content, one of the same name is preferred. A file that was changed elsewhere
 * meanwhile goes along, but only by its inode; the change then arrives at the new path. What became a conflict copy was
 * set aside, by a run that may have been cut off before it wrote that down: its old path is free for the other side.
 */
export function findLocalMoves(
  trees: Trees,
  byPath: ReadonlyMap<string, Operation>,
  unmovable: ReadonlySet<string>,
): RemoteMove[] {
  const { local, remote, synced } = trees;
  const isGone = ({ do: what, path }: Operation & { path: string }): boolean =>
    !local.has(path) && !unmovable.has(path) && (what === 'deleteRemote' || (what === 'download' && synced.has(path)));
  const gone = [...pathOperations(byPath)].filter(isGone);
  if (gone.length === 0) return [];
  const byIdentity = new Map<string, string>();
  const byContent = new Map<string, string[]>();
  for (const { do: what, path } of gone) {
    const entry = synced.get(path)!;
    byIdentity.set(entry.identity, path);
    if (entry.size === 0 || what === 'download') continue;
    byContent.set(contentKey(entry), [...(byContent.get(contentKey(entry)) ?? []), path]);
  }

  const moves: RemoteMove[] = [];
  const taken = new Set<string>();
  const created = [...pathOperations(byPath)].filter(
    (operation) =>
      operation.do === 'upload' &&
      operation.base_version === 0 &&
      !synced.has(operation.path) &&
      !underFile(remote, operation.path),
  );
  const match = (to: string, from: string | undefined): void => {
    if (from === undefined || taken.has(from) || taken.has(to) || unmovable.has(to)) return;
    if (isConflictCopy(to) && !isConflictCopy(from)) return;
    const [kind, current] = [local.get(to)!.kind, remote.get(from)!];
    if (synced.get(from)!.kind !== kind || current.kind !== kind) return;
    taken.add(from).add(to);
    moves.push({ do: 'moveRemote', from, to, base_version: current.version });
  };
  for (const { path } of created) match(path, byIdentity.get(local.get(path)!.identity));
  for (const { path } of created) {
    const entry = local.get(path)!;
    if (entry.size === 0) continue;
    const free = (byContent.get(contentKey(entry)) ?? []).filter((from) => !taken.has(from));
    match(path, free.find((from) => nameOf(from) === nameOf(path)) ?? free[0]);
  }
  return withWholeDirectories([...moves, ...followers(trees, byPath, moves)], remote);
}

/**
 * What this disk was still to get into a directory that the user renamed goes along with that. A directory that lies at
 * the new place already takes in the one that arrives; what is in one that cannot follow stays with it.
 */
function followers(
  { local, remote, synced }: Trees,
  byPath: ReadonlyMap<string, Operation>,
  moves: readonly RemoteMove[],
): RemoteMove[] {
  const targets = new Map(
    moves.filter(({ from }) => remote.get(from)!.kind === 'directory').map(({ from, to }) => [from, to]),
  );
  if (targets.size === 0) return [];
  const taken = new Set(moves.map(({ to }) => to));
  const isTakenIn = (from: string, to: string): boolean =>
    remote.get(from)!.kind === 'directory' && local.get(to)?.kind === 'directory' && byPath.get(to)?.do === 'upload';
  const isFree = (from: string, to: string): boolean =>
    !taken.has(to) &&
    !remote.has(to) &&
    !synced.has(to) &&
    !underFile(local, to) &&
    (!local.has(to) || isTakenIn(from, to));
  const staying = new Set<string>();
  const arriving = [...pathOperations(byPath)]
    .filter(({ do: what, path }) => what === 'download' && !synced.has(path) && !local.has(path))
    .map(({ path }) => path);
  // Sorted, a directory comes before what is in it.
  return arriving.sort().flatMap((from) => {
    const above = ancestors(from);
    const directory = above.find((path) => targets.has(path));
    const to = directory && targets.get(directory)! + from.slice(directory.length);
    if (!to || !isFree(from, to) || above.some((path) => staying.has(path))) {
      staying.add(from);
      return [];
    }
    const { version: base_version, moved_from: origin } = remote.get(from)!;
    const move: RemoteMove = { do: 'moveRemote', from, to, base_version };
    if (origin === undefined || !local.has(origin) || remote.has(origin)) return [move];
    const origins = ancestors(origin).filter((path) => byPath.get(path)?.do === 'deleteLocal');
    return [{ ...move, origins: [origin, ...origins] }];
  });
}

/** What the renames of a directory, and of all that is in it, take of a call. */
interface Size {
  /** Whether all that is in it only goes along, so that it is one item. */
  isWhole: boolean;
  moves: number;
  blocks: number;
  directories: number;
  pathBytes: number;
}

/**
 * A directory moves together with all that is in it, in one commit, or is made anew and deleted when it is empty:
 * others never see what was in it without it, and take that for a directory to keep.
 */
function withWholeDirectories(moves: readonly RemoteMove[], remote: Trees['remote']): RemoteMove[] {
  const sizes = new Map<string, Size>();
  for (const { from } of moves) {
    if (remote.get(from)!.kind !== 'directory') continue;
    sizes.set(from, { isWhole: true, moves: 0, blocks: 0, directories: 0, pathBytes: 0 });
  }
  if (sizes.size === 0) return [...moves];
  const byOrigin = new Map(moves.map((move) => [move.from, move]));
  for (const path of pathsWithinAny(remote, sizes)) {
    const { kind, blocks } = remote.get(path)!;
    const around = [path, ...ancestors(path)].filter((each) => sizes.has(each));
    const move = byOrigin.get(path);
    const pathBytes = move ? movePathBytes(move) : 0;
    for (const above of around) {
      const size = sizes.get(above)!;
      size.isWhole &&= move?.to === byOrigin.get(above)!.to + path.slice(above.length);
      size.moves += move ? 1 : Number.POSITIVE_INFINITY;
      size.blocks += blocks.length;
      size.directories += kind === 'directory' ? 1 : 0;
      size.pathBytes += pathBytes;
    }
  }
  return moves.filter(({ from }) => {
    const size = sizes.get(from);
    return !size || fitsCall(size);
  });
}

/** Whether one call takes these renames one by one. */
export function fitOneCall(moves: readonly RemoteMove[], remote: Trees['remote']): boolean {
  const entries = moves.map(({ from }) => remote.get(from)!);
  return fitsCall({
    isWhole: false,
    moves: moves.length,
    blocks: entries.reduce((sum, { blocks }) => sum + blocks.length, 0),
    directories: entries.filter(({ kind }) => kind === 'directory').length,
    pathBytes: moves.reduce((sum, move) => sum + movePathBytes(move), 0),
  });
}

/** Whether one call takes it all; each directory is marked under both names, and so are those above. */
function fitsCall({ isWhole, moves, blocks, directories, pathBytes }: Size): boolean {
  if (isWhole && moves <= limits.entriesPerFolder && blocks <= limits.blocksPerFolder) return true;
  const marked = 2 * (directories + limits.pathSegments);
  return (
    moves <= limits.movesPerCall &&
    blocks <= limits.blocksPerCall &&
    marked <= limits.directoriesPerCall &&
    pathBytes <= limits.pathBytesPerCall
  );
}

function contentKey({ blocks }: { readonly blocks: readonly { readonly hash: string }[] }): string {
  return blocks.map(({ hash }) => hash).join();
}

/** The operations that concern one path. */
function* pathOperations(byPath: ReadonlyMap<string, Operation>): Generator<Exclude<Operation, MoveOperation>> {
  for (const operation of byPath.values()) if ('path' in operation) yield operation;
}
