import type { United } from './entry-row.ts';

/**
 * An entry of all trees as one text, which takes half the memory of its objects. `undefined` for what stays as it is:
 * lists of several blocks, which are told apart as objects, and what is marked in a tree.
 */
export function pack(entry: United): string | undefined {
  const { kind, size, mode, mtime_ms, version, identity, hint, blocks } = entry;
  const isMarked = entry.leftover || entry.lapsed || entry.moved_from !== undefined;
  if (isMarked || blocks.length > 1) return undefined;
  const block = blocks.flatMap(({ hash, size }) => [hash, size]);
  return JSON.stringify([kind, size, mode, mtime_ms, version, identity, hint, ...block]);
}

/** Reverses `pack`. */
export function unpack(row: string): United {
  const [kind, size, mode, mtime_ms, version, identity, hint, hash, blockSize] = JSON.parse(row);
  const blocks = hash === undefined ? [] : [{ hash, size: blockSize }];
  return { kind, size, mode, mtime_ms, blocks, identity, hint, version };
}
