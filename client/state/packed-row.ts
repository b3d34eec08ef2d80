import type { United } from './entry-row.ts';

/**
 * An entry of all trees as one text, which takes half the memory of its objects. `undefined` for one of several blocks,
 * which stays as it is: of large files lists of blocks are told apart as objects.
 */
export function pack({ kind, size, mode, mtime_ms, version, identity, hint, blocks }: United): string | undefined {
  if (blocks.length > 1) return undefined;
  const block = blocks.flatMap(({ hash, size }) => [hash, size]);
  return JSON.stringify([kind, size, mode, mtime_ms, version, identity, hint, ...block]);
}

/** Reverses `pack`. */
export function unpack(row: string): United {
  const [kind, size, mode, mtime_ms, version, identity, hint, hash, blockSize] = JSON.parse(row);
  const blocks = hash === undefined ? [] : [{ hash, size: blockSize }];
  return { kind, size, mode, mtime_ms, blocks, identity, hint, version };
}
