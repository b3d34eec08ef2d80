/** The blocks of a file in order, each with where it begins. */
export function withOffsets<Block extends { readonly size: number }>(
  blocks: readonly Block[],
): (Block & { readonly offset: number })[] {
  let end = 0;
  return blocks.map((block) => {
    const offset = end;
    end += block.size;
    return { ...block, offset };
  });
}
