import { BLOCK_BYTES, type BlockRange } from './blocks.ts';

/** A shorter block joins a neighbour where one block has room for both. */
const CRUMB_BYTES = BLOCK_BYTES / 2;
/** Beyond so many, edited parts of a file are cut anew: a file of some more cannot be stored. */
const MANY_BLOCKS = 15_000;

/**
 * Where the blocks of an edited file lie, in order: those that it keeps stay as they are, what lies between them is cut
 * into as few equal pieces as there can be, and at the end into full ones and a rest, so that a file that grows there
 * keeps them. A crumb takes in its smaller neighbour, so that however often a file is edited, two of its blocks that lie
 * side by side have the bytes of one, and the file at most twice the blocks of a new one, and one more. What keeps
 * nothing is cut like a new file.
 *
 * @param size of the file
 * @param kept blocks, in order
 */
export function cutAround(size: number, kept: readonly BlockRange[]): BlockRange[] {
  const ranges: BlockRange[] = [];
  let end = 0;
  for (const range of kept) {
    ranges.push(...equalPieces(end, range.offset), range);
    end = range.offset + range.length;
  }
  for (; end < size; end += BLOCK_BYTES) ranges.push({ offset: end, length: Math.min(BLOCK_BYTES, size - end) });
  joinCrumbs(ranges);
  return ranges.length > MANY_BLOCKS ? fewer(ranges) : ranges;
}

function equalPieces(from: number, to: number): BlockRange[] {
  const count = Math.ceil((to - from) / BLOCK_BYTES);
  const cut = (index: number): number => from + Math.floor(((to - from) * index) / count);
  return Array.from({ length: count }, (_, index) => ({ offset: cut(index), length: cut(index + 1) - cut(index) }));
}

function joinCrumbs(ranges: BlockRange[]): void {
  for (let at = 0; at < ranges.length; ) {
    const { length } = ranges[at]!;
    const room = (index: number): boolean => {
      const neighbour = ranges[index];
      return neighbour !== undefined && length + neighbour.length <= BLOCK_BYTES;
    };
    const [other, another] = [at - 1, at + 1].filter(room);
    if (length >= CRUMB_BYTES || other === undefined) {
      at++;
      continue;
    }
    const isSmaller = another === undefined || ranges[other]!.length <= ranges[another]!.length;
    at = Math.min(at, isSmaller ? other : another);
    const [first, second] = [ranges[at]!, ranges[at + 1]!];
    ranges.splice(at, 2, { offset: first.offset, length: first.length + second.length });
  }
}

/** The same with those that are not full, and lie side by side, cut anew where that makes fewer of them. */
function fewer(ranges: readonly BlockRange[]): BlockRange[] {
  const result: BlockRange[] = [];
  let run: BlockRange[] = [];
  const finish = (): void => {
    const [first, last] = [run[0], run.at(-1)];
    const pieces = first && last ? equalPieces(first.offset, last.offset + last.length) : [];
    result.push(...(pieces.length < run.length ? pieces : run));
    run = [];
  };
  for (const range of ranges) {
    if (range.length < BLOCK_BYTES) run.push(range);
    else {
      finish();
      result.push(range);
    }
  }
  finish();
  return result;
}
