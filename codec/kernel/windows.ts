/*
 * A delta of which only windows of base and target are in memory, one after the other: where the two differ. What lies
 * between is equal, and known to be. A window in which much was not found is worth a look at all of the base.
 */
import { SOME_PENDING } from './base-index.ts';
import { countLiterals, gatherLiterals, write } from './delta.ts';
import { instructionCount, pushInstruction, pushSuffix, startInstructions } from './instruction-list.ts';
import { BASE, LITERALS, OP_LENGTH, OP_LITERALS, STEPS, streamAt, TARGET } from './layout.ts';
import { commonSuffix, copy, load32, store32 } from './machine.ts';
import { gatherDictionary } from './needed.ts';
import { smaller } from './numbers.ts';
import { approximate, search } from './search.ts';

/** Literals until the dictionary is complete; a stream that is written after them. */
const literalsSoFar: i32 = streamAt(8);

let literals: i32 = 0;
let dictionary: i32 = 0;

export function startWindows(): void {
  startInstructions();
  store32(STEPS, 0);
  literals = 0;
  dictionary = 0;
}

/** Adds bytes of the target, if any, that the base has from its byte `from` on. */
export function addCopy(from: i32, bytes: i32): void {
  if (bytes > 0) pushSuffix(from, bytes);
}

/**
 * Adds the window of `targetBytes` bytes at TARGET, which stands in for the `baseBytes` bytes at BASE, byte `baseFrom` of
 * the base and those after it. The next `equalAfter` bytes are the same in both. Returns false when more of the base has
 * to be in memory: for literals that may be elsewhere in it, or the dictionary of the first ones, which begins with byte 0.
 */
export function addWindow(baseSize: i32, baseFrom: i32, baseBytes: i32, targetBytes: i32, equalAfter: i32): boolean {
  const first = instructionCount;
  if (first === 0 && baseFrom > 0) return false;
  const back =
    equalAfter > 0 ? commonSuffix(TARGET + targetBytes, BASE + baseBytes, smaller(baseBytes, targetBytes)) : 0;
  search(baseBytes, targetBytes - back, baseFrom, 0);
  if (approximate) return false;
  if (equalAfter > 0) pushSuffix(baseFrom + baseBytes - back, equalAfter + back);
  let written = 0;
  for (let i = 4 * first; i < 4 * instructionCount; i += 4) {
    if (load32(OP_LITERALS + i) >= SOME_PENDING) return false;
    written += load32(OP_LITERALS + i) + load32(OP_LENGTH + i);
  }
  // What the window's start adds to the COPY before it is not among these.
  const from = TARGET + targetBytes + equalAfter - written;
  dictionary = gatherDictionary(first, instructionCount, BASE - baseFrom, baseSize, dictionary);
  gatherLiterals(first, instructionCount, literalsSoFar + literals, from);
  literals += countLiterals(first, instructionCount);
  return true;
}

/** Writes the body of the delta. Returns its bytes. */
export function finishWindows(): i32 {
  if (instructionCount === 0) pushInstruction(0, 0, 0);
  copy(LITERALS + dictionary, literalsSoFar, literals);
  return write(instructionCount, literals, dictionary, 0);
}
