import type { Block } from '../../protocol/entry.ts';
import { limits } from '../../protocol/limits.ts';
import { endOf, type Placed, withOffsets } from './block-offsets.ts';

/** Neighbouring blocks of which the old version has none, and what it has in their place; both may be empty. */
interface Gap {
  readonly blocks: readonly Placed[];
  /** Numbers of the old blocks, `first` to before `after`. */
  readonly first: number;
  readonly after: number;
}

/**
 * For those blocks of a file that its old version does not have, by their numbers: the number of the old block that lies
 * where the new one's middle lay, as far as can be told from the blocks that both have. What is further than a block from
 * all that was replaced has none.
 */
export function blockOrigins(blocks: readonly Block[], oldBlocks: readonly Block[]): Map<number, number> {
  const old = withOffsets(oldBlocks);
  const placed = withOffsets(blocks);
  const numberOf = new Map(placed.map(({ offset }, number) => [offset, number]));
  const origins = new Map<number, number>();
  if (old.length === 0) return origins;
  for (const gap of gapsBetween(placed, old)) {
    for (const block of gap.blocks) {
      const origin = originIn(gap, block, old);
      if (origin !== undefined) origins.set(numberOf.get(block.offset)!, origin);
    }
  }
  return origins;
}

function* gapsBetween(blocks: readonly Placed[], old: readonly Placed[]): Generator<Gap> {
  const lastFirst = [...old.keys()].reverse();
  const numbers = Map.groupBy(lastFirst, (number) => old[number]!.hash);
  let first = 0;
  let lacked: Placed[] = [];
  for (const block of blocks) {
    const found = numbers.get(block.hash);
    if (!found) lacked.push(block);
    while (found && found.at(-1)! < first) found.pop();
    const at = found?.at(-1);
    if (at === undefined) continue;
    if (lacked.length > 0) yield { blocks: lacked, first, after: at };
    lacked = [];
    first = at + 1;
  }
  if (lacked.length > 0) yield { blocks: lacked, first, after: old.length };
}

/** Counted from where the gap begins in its first half, from where it ends in the other, or else the other way round. */
function originIn({ blocks, first, after }: Gap, block: Placed, old: readonly Placed[]): number | undefined {
  const [begin, end] = [blocks[0]!.offset, endOf(blocks.at(-1)!)];
  const oldBegin = old[first]?.offset ?? endOf(old.at(-1)!);
  const oldEnd = after === first ? oldBegin : endOf(old[after - 1]!);
  const middle = block.offset + block.size / 2;
  const fromBegin = oldBegin + middle - begin;
  const fromEnd = oldEnd - (end - middle);
  const inOrder = middle - begin <= end - middle ? [fromBegin, fromEnd] : [fromEnd, fromBegin];
  const place = inOrder.find((place) => place >= oldBegin - limits.blockBytes && place < oldEnd + limits.blockBytes);
  if (place === undefined) return undefined;
  let number = Math.min(first, old.length - 1);
  while (number < after - 1 && endOf(old[number]!) <= place) number++;
  return number;
}
