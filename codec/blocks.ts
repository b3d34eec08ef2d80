/** Bytes in a block, at most. Every block of a new file but its last has this size. */
export const BLOCK_BYTES = 4 * 1024 * 1024;

/** Where a block lies in a file. */
export interface BlockRange {
  readonly offset: number;
  /** Bytes, at most BLOCK_BYTES. */
  readonly length: number;
}

/** Where the blocks of a new file of `size` bytes lie, in order. An empty file has none. */
export function blockRanges(size: number): BlockRange[] {
  return Array.from({ length: Math.ceil(size / BLOCK_BYTES) }, (_, index) => ({
    offset: index * BLOCK_BYTES,
    length: Math.min(BLOCK_BYTES, size - index * BLOCK_BYTES),
  }));
}
