/* The instructions of the delta under construction: literals, then a COPY. The last one ends the target. */
import { OP_FROM, OP_LENGTH, OP_LITERALS } from './layout.ts';
import { load32, store32 } from './machine.ts';
import { smaller } from './numbers.ts';

export let instructionCount: i32 = 0;

export function startInstructions(): void {
  instructionCount = 0;
}

/** Literals of the instructions that `dropLast` removed which are still to be written. */
export let leftLiterals: i32 = 0;

/** Removes the last instructions, as far as the `bytes` bytes that they wrote last hold whole COPYs. Returns those bytes. */
export function dropLast(bytes: i32): i32 {
  let dropped = 0;
  leftLiterals = 0;
  while (instructionCount > 0 && leftLiterals === 0) {
    const last = 4 * instructionCount - 4;
    const length = load32(OP_LENGTH + last);
    if (length > bytes - dropped) break;
    const literals = load32(OP_LITERALS + last);
    const covered = smaller(literals, bytes - dropped - length);
    dropped += length + covered;
    leftLiterals = literals - covered;
    instructionCount--;
  }
  return dropped;
}

/** Where in the base the last COPY ended. */
export function copiedTo(): i32 {
  const last = 4 * instructionCount - 4;
  return load32(OP_FROM + last) + load32(OP_LENGTH + last);
}

/** A COPY of `length` bytes from `from`, after so many literals. */
export function pushInstruction(literals: i32, from: i32, length: i32): void {
  const at = 4 * instructionCount;
  store32(OP_LITERALS + at, literals);
  store32(OP_FROM + at, from);
  store32(OP_LENGTH + at, length);
  instructionCount++;
}

/** The same, but a COPY that goes on where the last one ended prolongs that one. */
export function pushOrProlong(literals: i32, from: i32, length: i32): void {
  const last = 4 * instructionCount - 4;
  const lastLength = last < 0 ? 0 : load32(OP_LENGTH + last);
  if (literals === 0 && lastLength > 0 && load32(OP_FROM + last) + lastLength === from) {
    store32(OP_LENGTH + last, lastLength + length);
  } else {
    pushInstruction(literals, from, length);
  }
}

/** A COPY of the target's last bytes; right after literals it becomes part of their instruction. */
export function pushSuffix(from: i32, length: i32): void {
  const last = 4 * instructionCount - 4;
  if (last >= 0 && load32(OP_LENGTH + last) === 0) {
    store32(OP_FROM + last, from);
    store32(OP_LENGTH + last, length);
  } else {
    pushOrProlong(0, from, length);
  }
}
