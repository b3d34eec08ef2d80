/** Bytes in a block. Every block of a file but its last has this size. */
export const BLOCK_BYTES = 4 * 1024 * 1024;

/** Where the blocks of a file of `size` bytes lie, in order. An empty file has none. */
export function blockRanges(size: number): { offset: number; length: number }[] {
  return Array.from({ length: Math.ceil(size / BLOCK_BYTES) }, (_, index) => ({
    offset: index * BLOCK_BYTES,
    length: Math.min(BLOCK_BYTES, size - index * BLOCK_BYTES),
  }));
}
