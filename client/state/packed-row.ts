import type { Content } from '../plan/tree.ts';
import { type AtPath, type Held, isUnited, type United } from './at-path.ts';

/** What a packed entry is of: one tree, or all three. */
type Of = keyof AtPath | 'all';

const trees = ['local', 'remote', 'synced'] as const;

const HASH_CHARACTERS = 64;

/** Where in a packed row the name of what it is of begins, after `["`. */
const NAME_AT = 2;

/**
 * What one tree has at a path, or all have alike, as one text: it takes half the memory of the objects. What cannot be told
 * so stays as it is: trees that differ, lists of several blocks, and what is marked in a tree.
 */
export function pack(here: AtPath): Held {
  const of = treesOf(here);
  if (!of) return here;
  const entry: Content & Partial<United> = here[of === 'all' ? 'local' : of]!;
  const { kind, size, mode, mtime_ms, version, identity, hint, blocks } = entry;
  const isMarked = entry.leftover || entry.lapsed || entry.moved_from !== undefined;
  if (isMarked || blocks.length > 1) return here;
  const block = blocks.flatMap(({ hash, size }) => [hash, size]);
  return JSON.stringify([of, kind, size, mode, mtime_ms, version, identity, hint, ...block]);
}

/** Reverses `pack`. */
export function unpack(row: string): AtPath {
  const [of, kind, size, mode, mtime_ms, version, identity, hint, hash, blockSize] = JSON.parse(row);
  const content: Content = {
    kind,
    size,
    mode,
    mtime_ms,
    blocks: hash === undefined ? [] : [{ hash, size: blockSize }],
  };
  if (of === 'local') return { local: { ...content, identity, hint } };
  if (of === 'remote') return { remote: { ...content, version } };
  if (of === 'synced') return { synced: { ...content, version, identity } };
  const all: United = { ...content, version, identity, hint };
  return { local: all, remote: all, synced: all };
}

/** Whether a text is a packed entry, and no other JSON. */
export function isPacked(text: string): boolean {
  return text.startsWith('["') && text.endsWith(']');
}

/** The hash of the block of a packed entry; another text where it has none. */
export function hashIn(row: string): string {
  const end = row.lastIndexOf('"');
  return row.slice(end - HASH_CHARACTERS, end);
}

/** Whether a packed row is of a tree. */
export function isOf(row: string, tree: keyof AtPath): boolean {
  return isOfAll(row) || row.startsWith(tree, NAME_AT);
}

/** Whether a packed row is of all trees. */
export function isOfAll(row: string): boolean {
  return row.startsWith('all', NAME_AT);
}

function treesOf(here: AtPath): Of | undefined {
  if (isUnited(here)) return 'all';
  const [tree, ...others] = trees.filter((name) => here[name] !== undefined);
  return others.length === 0 ? tree : undefined;
}
