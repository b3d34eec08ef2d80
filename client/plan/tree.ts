import type { Block, Entry, Kind } from '../../protocol/entry.ts';
import { ancestors, isWithin, isWithinAny, parentOf } from '../../protocol/path.ts';

/** What is at a path. */
export interface Content {
  readonly kind: Kind;
  readonly size: number;
  readonly mode: number;
  readonly mtime_ms: number;
  readonly blocks: readonly Block[];
}

/** What the disk held when it was last looked at. */
export interface LocalEntry extends Content {
  /** Device, inode and birth time, with colons between: follows a file through renames. */
  readonly identity: string;
  /** Inode and more: changes whenever the file may have changed; empty when it has to be read again. */
  readonly hint: string;
  /**
   * A directory that is here only for what is in it: one side deleted it while that had to stay, or it was made on the
   * way. It goes with the last of it.
   */
  readonly leftover?: boolean;
}

/** Of an entry's identity. */
export function inodeOfIdentity(identity: string): bigint {
  return BigInt(identity.split(':')[1] ?? 0);
}

/** Of an entry's hint, unless that is empty. */
export function inodeOfHint(hint: string): bigint {
  return BigInt(hint.split(':')[0]!);
}

/** What the service held at the cursor. */
export interface RemoteEntry extends Content {
  readonly version: number;
  /** Where it was before a move that this device has not followed yet. */
  readonly moved_from?: string;
}

type Moved = RemoteEntry & { readonly moved_from: string };

/** What both sides agreed on last: the merge base. */
export interface SyncedEntry extends Content {
  readonly version: number;
  readonly identity: string;
  /**
   * The path was left out of the sync since: what it is compared with shows edits, but that it is gone on one side is
   * no deletion.
   */
  readonly lapsed?: boolean;
}

/** Entries by path. */
export interface Tree<Entry> extends ReadonlyMap<string, Entry> {
  /** The paths at and below a path, where they are found otherwise than by looking at all. */
  readonly pathsWithin?: ((path: string) => readonly string[]) | undefined;
  /** The paths of entries that may have one of these blocks, by hash, where not each has to be read for that. */
  readonly pathsWithBlocks?: ((hashes: Pick<ReadonlySet<string>, 'has'>) => Iterable<string>) | undefined;
  /** Paths among which are all entries that have several blocks or a mark, where those are known. */
  readonly notable?: ReadonlySet<string> | undefined;
}

export interface Trees {
  readonly local: Tree<LocalEntry>;
  readonly remote: Tree<RemoteEntry>;
  readonly synced: Tree<SyncedEntry>;
}

/** Whether an entry is a file or a link: it has content, and nothing lies in it. */
export function isLeaf<Entry extends { readonly kind: Kind }>(entry: Entry | undefined): entry is Entry {
  return entry !== undefined && entry.kind !== 'directory';
}

/** The file or link, if any, that lies where a path needs a directory. */
export function fileAbove(tree: ReadonlyMap<string, Content>, path: string): string | undefined {
  return ancestors(path).find((above) => isLeaf(tree.get(above)));
}

/** The paths that a tree has at a path and below it, in any order; `''` is all of it. */
export function pathsWithin(tree: Tree<unknown>, path: string): readonly string[] {
  if (path !== '' && tree.pathsWithin) return tree.pathsWithin(path);
  return [...tree.keys().filter((at) => isWithin(at, path))];
}

/** The paths that a tree has at and below any of these. */
export function pathsWithinAny(
  tree: Tree<unknown>,
  directories: ReadonlySet<string> | ReadonlyMap<string, unknown>,
): readonly string[] {
  if (!tree.pathsWithin) return [...tree.keys().filter((at) => isWithinAny(at, directories))];
  const outermost = [...directories.keys()].filter((path) => !isWithinAny(parentOf(path), directories));
  return outermost.flatMap((path) => tree.pathsWithin!(path));
}

/** The entries that have several blocks or a mark, and maybe others. */
export function* notableEntries<Entry>(tree: Tree<Entry>): Generator<[string, Entry]> {
  for (const path of tree.notable ?? tree.keys()) {
    const entry = tree.get(path);
    if (entry !== undefined) yield [path, entry];
  }
}

/** What was moved at the service, and not here yet. */
export function movedEntries(remote: Tree<RemoteEntry>): [string, Moved][] {
  const isMoved = (each: [string, RemoteEntry]): each is [string, Moved] => each[1].moved_from !== undefined;
  return [...notableEntries(remote)].filter(isMoved);
}

/** What a tree has at a path and below it, as it is now: the tree may change while this is gone through. */
export function within<Entry>(tree: Tree<Entry>, path: string): [string, Entry][] {
  return pathsWithin(tree, path).map((at) => [at, tree.get(at)!]);
}

/** Kind and bytes are the same. */
export function sameContent(one: Content | undefined, other: Content | undefined): boolean {
  if (!one || !other) return one === other;
  if (one.kind !== other.kind || one.size !== other.size || one.blocks.length !== other.blocks.length) return false;
  return one.blocks === other.blocks || one.blocks.every((block, index) => block.hash === other.blocks[index]!.hash);
}

/** Content and permissions are the same. The modification time decides nothing. */
export function same(one: Content | undefined, other: Content | undefined): boolean {
  return sameContent(one, other) && one?.mode === other?.mode;
}

/**
 * The permissions that both sides come to. What one side left alone, the other decides; of two changes, or without a
 * base, the owner keeps what either grants, and others what both do, so that nothing made private is opened again.
 */
export function mergedMode(local: Content, remote: Content, synced: Content | undefined): number {
  if (local.mode === remote.mode || local.mode === synced?.mode) return remote.mode;
  if (remote.mode === synced?.mode) return local.mode;
  return ((local.mode | remote.mode) & 0o700) | (local.mode & remote.mode & 0o077);
}

/** The permissions that the disk gets with a remote entry: those of the service, unless this device changed them, too. */
export function arrivingMode({ local, synced }: Trees, path: string, remote: RemoteEntry): number {
  const here = local.get(path);
  return here?.kind === remote.kind ? mergedMode(here, remote, synced.get(path)) : remote.mode;
}

/**
 * The permission bits that travel. A directory is always open to its owner, since the client has to work inside it; a
 * link has none of its own.
 */
export function syncedMode(kind: Kind, mode: number): number {
  if (kind === 'link') return 0o777;
  return (mode & 0o777) | (kind === 'directory' ? 0o700 : 0);
}

export function remoteEntry(entry: Entry): RemoteEntry {
  const { kind, size, mtime_ms, version, blocks } = entry;
  return { kind, size, mode: syncedMode(kind, entry.mode), mtime_ms, version, blocks };
}

export function syncedEntry(remote: RemoteEntry, local: LocalEntry): SyncedEntry {
  const { kind, size, mode, mtime_ms, version, blocks } = remote;
  return { kind, size, mode, mtime_ms, version, blocks, identity: local.identity };
}

/** Whether a directory that one side deleted, and the other left as it was, comes back there only for what is in it. */
export function isKept(there: Content, synced: SyncedEntry | undefined): boolean {
  return there.kind === 'directory' && synced !== undefined && !synced.lapsed && same(there, synced);
}

/** Whether a path is a directory, here or else at the service. */
export function isDirectory({ local, remote, synced }: Trees, path: string): boolean {
  return (local.get(path) ?? remote.get(path) ?? synced.get(path))?.kind === 'directory';
}
