/* Which parts of the base a delta refers to, so that no others have to be copied to the kernel. */
import { LITERALS, MAX_DICTIONARY, OP_FROM, OP_LENGTH, OP_LITERALS, PIECE_BITS, PIECES } from './layout.ts';
import { copy, fill, load32, store8 } from './machine.ts';
import { smaller } from './numbers.ts';

/** Marks at PIECES what the `count` instructions copy, if that is wanted, and what the dictionary is made of. */
export function markNeeded(count: i32, baseSize: i32, copies: boolean, dictionary: boolean): void {
  fill(PIECES, 0, (baseSize >> PIECE_BITS) + 2);
  if (copies) {
    for (let i = 0; i < 4 * count; i += 4) {
      const length = load32(OP_LENGTH + i);
      if (length > 0) mark(load32(OP_FROM + i), length);
    }
  }
  if (dictionary) visitDictionary(0, count, 0, baseSize, 0, false);
}

function mark(from: i32, length: i32): void {
  const first = from >> PIECE_BITS;
  const last = (from + length - 1) >> PIECE_BITS;
  if (first === last) store8(PIECES + first, 1);
  else fill(PIECES + first, 1, last - first + 1);
}

/**
 * Puts the bytes of the base, of which byte 0 is at `origin`, that literals of the instructions from `first` on stand in
 * for at LITERALS, after the `gathered` ones of those before. Returns how many there are: of each gap the first, some
 * times as many as its literals, and no more in all than MAX_DICTIONARY.
 */
export function gatherDictionary(first: i32, count: i32, origin: i32, baseSize: i32, gathered: i32): i32 {
  return visitDictionary(first, count, origin, baseSize, gathered, true);
}

function visitDictionary(first: i32, count: i32, origin: i32, baseSize: i32, gathered: i32, gather: boolean): i32 {
  let total = gathered;
  let copiedTo = first > 0 ? load32(OP_FROM + 4 * first - 4) + load32(OP_LENGTH + 4 * first - 4) : 0;
  for (let i = 4 * first; i < 4 * count && total < MAX_DICTIONARY; i += 4) {
    const literals = load32(OP_LITERALS + i);
    const length = load32(OP_LENGTH + i);
    const next = length > 0 ? load32(OP_FROM + i) : baseSize;
    const gap = smaller(next - copiedTo, 8 * literals + 512);
    if (literals > 0 && gap > 0) {
      const part = smaller(gap, MAX_DICTIONARY - total);
      if (gather) copy(LITERALS + total, origin + copiedTo, part);
      else mark(copiedTo, part);
      total += part;
    }
    if (length > 0) copiedTo = next + length;
  }
  return total;
}
