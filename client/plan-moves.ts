import type { MoveOperation, Operation } from './operation.ts';
import { ancestors, nameOf, type Trees } from './tree.ts';

/** Whether a directory above `path` has to replace a file first; a move there would come too early. */
function underFile(tree: ReadonlyMap<string, { readonly kind: string }>, path: string): boolean {
  return ancestors(path).some((above) => tree.get(above)?.kind === 'file');
}

/** Downloads that are the other end of a rename on another device. An edit of the old file goes along. */
export function findRemoteMoves(
  { local, remote, synced }: Trees,
  byPath: ReadonlyMap<string, Operation>,
  blocked: (path: string) => boolean,
): MoveOperation[] {
  const moves: MoveOperation[] = [];
  const taken = new Set<string>();
  for (const { do: what, path } of pathOperations(byPath)) {
    const to = remote.get(path);
    const from = to?.moved_from;
    if (what !== 'download' || to?.kind !== 'file' || from === undefined || taken.has(from) || blocked(from)) continue;
    if (local.has(path) || synced.has(path) || remote.has(from) || !synced.has(from)) continue;
    if (local.get(from)?.kind !== 'file' || underFile(local, path)) continue;
    taken.add(from);
    moves.push({ do: 'moveLocal', from, to: path });
  }
  return moves;
}

/**
 * Deletions and creations that are two ends of a rename: the same inode, or for files the same content. Of several old
 * paths with one content, one of the same name is preferred.
 */
export function findLocalMoves(
  { local, remote, synced }: Trees,
  byPath: ReadonlyMap<string, Operation>,
  unmovable: ReadonlySet<string>,
): MoveOperation[] {
  const gone = [...pathOperations(byPath)].filter(
    (operation) => operation.do === 'deleteRemote' && !local.has(operation.path) && !unmovable.has(operation.path),
  );
  if (gone.length === 0) return [];
  const byIdentity = new Map<string, string>();
  const byContent = new Map<string, string[]>();
  for (const { path } of gone) {
    const entry = synced.get(path)!;
    byIdentity.set(entry.identity, path);
    if (entry.size > 0) byContent.set(contentKey(entry), [...(byContent.get(contentKey(entry)) ?? []), path]);
  }

  const moves: MoveOperation[] = [];
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
    const old = synced.get(from)!;
    if (old.kind !== local.get(to)!.kind) return;
    taken.add(from).add(to);
    const operation = byPath.get(from);
    if (operation?.do === 'deleteRemote') {
      moves.push({ do: 'moveRemote', from, to, base_version: operation.base_version });
    }
  };
  for (const { path } of created) match(path, byIdentity.get(local.get(path)!.identity));
  for (const { path } of created) {
    const entry = local.get(path)!;
    if (entry.size === 0) continue;
    const free = (byContent.get(contentKey(entry)) ?? []).filter((from) => !taken.has(from));
    match(path, free.find((from) => nameOf(from) === nameOf(path)) ?? free[0]);
  }
  return moves;
}

function contentKey({ blocks }: { readonly blocks: readonly { readonly hash: string }[] }): string {
  return blocks.map(({ hash }) => hash).join();
}

/** The operations that concern one path. */
function* pathOperations(byPath: ReadonlyMap<string, Operation>): Generator<Exclude<Operation, MoveOperation>> {
  for (const operation of byPath.values()) if ('path' in operation) yield operation;
}
