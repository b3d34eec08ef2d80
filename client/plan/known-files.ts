import { inodeOfHint, inodeOfIdentity, type LocalEntry, type SyncedEntry } from './tree.ts';

/** The paths that may have a file of this inode. */
type PathsWithInode = (inode: bigint) => readonly string[];

/** Finds entries wherever they lie. */
export interface KnownFiles {
  readonly byHint: (hint: string) => LocalEntry | undefined;
  /** What both sides agreed on last. */
  readonly byIdentity: (identity: string) => SyncedEntry | undefined;
}

/** Files by what the disk says of them, as long as the trees stay as they are. */
export function knownFiles(
  { local, synced }: { local: ReadonlyMap<string, LocalEntry>; synced: ReadonlyMap<string, SyncedEntry> },
  pathsWithInode: PathsWithInode,
): KnownFiles {
  // Of one file both are asked, one after the other.
  let last: { readonly inode: bigint; readonly paths: readonly string[] } | undefined;
  const find = <Entry>(
    tree: ReadonlyMap<string, Entry>,
    inode: bigint,
    isIt: (entry: Entry) => boolean,
  ): Entry | undefined => {
    // A first look asks about every file.
    if (tree.size === 0) return undefined;
    if (last?.inode !== inode) last = { inode, paths: pathsWithInode(inode) };
    return last.paths.map((path) => tree.get(path)).find((entry) => entry !== undefined && isIt(entry));
  };
  return {
    byHint: (hint) => find(local, inodeOfHint(hint), (entry) => entry.hint === hint),
    byIdentity: (identity) => find(synced, inodeOfIdentity(identity), (entry) => entry.identity === identity),
  };
}
