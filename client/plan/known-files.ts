import { inodeOfHint, inodeOfIdentity, type LocalEntry, type SyncedEntry } from './tree.ts';

/** The paths that may have a file of this inode. */
type PathsWithInode = (inode: bigint) => readonly string[];

/** Finds entries by their identity. */
export function byIdentity(
  synced: ReadonlyMap<string, SyncedEntry>,
  pathsWithInode: PathsWithInode,
): (identity: string) => SyncedEntry | undefined {
  return (identity) => found(synced, pathsWithInode(inodeOfIdentity(identity)), (entry) => entry.identity === identity);
}

/** Finds entries by their hint. */
export function byHint(
  local: ReadonlyMap<string, LocalEntry>,
  pathsWithInode: PathsWithInode,
): (hint: string) => LocalEntry | undefined {
  // A first look asks about every file.
  return (hint) =>
    local.size === 0 ? undefined : found(local, pathsWithInode(inodeOfHint(hint)), (entry) => entry.hint === hint);
}

function found<Entry>(
  tree: ReadonlyMap<string, Entry>,
  paths: readonly string[],
  isIt: (entry: Entry) => boolean,
): Entry | undefined {
  return paths.map((path) => tree.get(path)).find((entry) => entry !== undefined && isIt(entry));
}
