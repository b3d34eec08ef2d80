import type { Kind } from './entry.ts';
import { ancestors, nameOf, parentOf } from './path.ts';

/** One name in a directory, as it enters the directory's hash. */
export interface TreeItem {
  readonly name: string;
  readonly kind: Kind;
  /** 0 for a directory that has no entry of its own and is there because something lies in it. */
  readonly version: number;
  /** Of a file or link, its blocks in order; of a directory, its tree hash alone. Hex SHA-256. */
  readonly hashes: readonly string[];
}

/**
 * Recursive hash of one directory: SHA-256 of the lines of its items, by name in the order of the UTF-8 bytes. A version
 * number means one thing for ever at its path; therefore equal hashes mean that everything below is equal, permissions
 * included.
 * @param sha256 hex SHA-256 of a text's UTF-8 bytes
 */
export function treeHash(items: Iterable<TreeItem>, sha256: (text: string) => string): string {
  const sorted = [...items].sort((one, other) => compareCodePoints(one.name, other.name));
  return sha256(treeLines(sorted));
}

/**
 * A line for each item, `kind version hash… name`. Names hold no control characters, so that no other directory has the
 * same lines.
 */
export function treeLines(items: readonly TreeItem[]): string {
  return items.map(({ name, kind, version, hashes }) => `${[kind, version, ...hashes, name].join(' ')}\n`).join('');
}

/** What is at a path of a tree. */
type TreeEntry = Omit<TreeItem, 'name'>;

/**
 * The recursive hash of every directory of a tree, by its path, of those that have no entry as well.
 * @param entries by path; the hashes of directories are not read
 */
export function treeHashes(
  entries: Iterable<readonly [path: string, entry: TreeEntry]>,
  sha256: (text: string) => string,
): Map<string, string> {
  const items = new Map<string, TreeItem[]>();
  const versions = new Map<string, number>();
  for (const [path, entry] of entries) {
    for (const above of ancestors(path)) if (!versions.has(above)) versions.set(above, 0);
    if (entry.kind === 'directory') versions.set(path, entry.version);
    else add(items, path, entry);
  }
  const hashes = new Map<string, string>();
  // A directory sorts before all that lies in it.
  for (const path of [...versions.keys()].sort().reverse()) {
    const hash = treeHash(items.get(path) ?? [], sha256);
    hashes.set(path, hash);
    add(items, path, { kind: 'directory', version: versions.get(path)!, hashes: [hash] });
  }
  return hashes;
}

function add(items: Map<string, TreeItem[]>, path: string, entry: TreeEntry): void {
  const item = { ...entry, name: nameOf(path) };
  const siblings = items.get(parentOf(path));
  if (siblings) siblings.push(item);
  else items.set(parentOf(path), [item]);
}

/** The order of UTF-8 bytes is that of code points; that of UTF-16 units, JavaScript's own, is not. */
export function compareCodePoints(one: string, other: string): number {
  const others = other[Symbol.iterator]();
  for (const character of one) {
    const { value, done } = others.next();
    if (done) return 1;
    const difference = character.codePointAt(0)! - value.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return others.next().done ? 0 : -1;
}
