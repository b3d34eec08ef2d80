import type { Block } from '../../protocol/entry.ts';

/** A block with where in its file it begins. */
export type Placed = Block & { readonly offset: number };

/** The blocks of a file in order, each with where it begins. */
export function withOffsets<Sized extends { readonly size: number }>(
  blocks: readonly Sized[],
): (Sized & { readonly offset: number })[] {
  let end = 0;
  return blocks.map((block) => {
    const offset = end;
    end += block.size;
    return { ...block, offset };
  });
}

/** The length of a file of these blocks. */
export function bytesOf(blocks: readonly { readonly size: number }[]): number {
  return blocks.reduce((sum, { size }) => sum + size, 0);
}

/** Where a block ends. */
export function endOf({ offset, size }: Placed): number {
  return offset + size;
}
