/* Which parts of the base a delta refers to, so that no others have to be copied to the kernel. */
import { LITERALS, MAX_DICTIONARY, OP_FROM, OP_LENGTH, OP_LITERALS, PIECE_BITS, PIECES } from './layout.ts';
import { copy, fill, load32 } from './machine.ts';
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
  if (dictionary) visitDictionary(count, 0, baseSize, false);
}

function mark(from: i32, length: i32): void {
  const first = from >> PIECE_BITS;
  fill(PIECES + first, 1, ((from + length - 1) >> PIECE_BITS) - first + 1);
}

/**
 * Puts the bytes of the base, of which byte 0 is at `origin`, that literals stand in for at LITERALS. Returns how many:
 * of each gap the first, some times as many as its literals, and no more in all than MAX_DICTIONARY.
 */
export function gatherDictionary(count: i32, origin: i32, baseSize: i32): i32 {
  return visitDictionary(count, origin, baseSize, true);
}

function visitDictionary(count: i32, origin: i32, baseSize: i32, gather: boolean): i32 {
  let gathered = 0;
  let copiedTo = 0;
  for (let i = 0; i < 4 * count && gathered < MAX_DICTIONARY; i += 4) {
    const literals = load32(OP_LITERALS + i);
    const length = load32(OP_LENGTH + i);
    const next = length > 0 ? load32(OP_FROM + i) : baseSize;
    const gap = smaller(next - copiedTo, 8 * literals + 512);
    if (literals > 0 && gap > 0) {
      const part = smaller(gap, MAX_DICTIONARY - gathered);
      if (gather) copy(LITERALS + gathered, origin + copiedTo, part);
      else mark(copiedTo, part);
      gathered += part;
    }
    if (length > 0) copiedTo = next + length;
  }
  return gathered;
}
