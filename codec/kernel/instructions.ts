/*
 * The columns of instructions on their way to and from the delta. An instruction is three numbers:
 *
 *   literals  bytes that are not copied
 *   from      where the COPY after them starts: 0 on the diagonal (the literals replace as many bytes of the base),
 *             1 where the last COPY ended (they are inserted), 2 on the diagonal before the present one, else 3 + the
 *             zigzag distance from the diagonal
 *   length    bytes of the COPY; 0 for all the rest of the target, which ends the list
 *
 * Up to MANY of them go through the range coder one after the other; more as three columns.
 */

import { columnsUsedUp, finishColumns, openColumns, putInColumn, startColumns, takeFromColumn } from './columns.ts';
import { ERROR_COPY, ERROR_INSTRUCTIONS, ERROR_MALFORMED, ERROR_OUTPUT } from './errors.ts';
import { MAX_OPS, OP_FROM, OP_LENGTH, OP_LITERALS, streamAt } from './layout.ts';
import { load8, load32, store32 } from './machine.ts';
import { decodeNumber, encodeNumber } from './range-coder.ts';
import { readStream, writeStream } from './stream.ts';

export const MANY: i32 = 1024;

/** Contexts of the three numbers; each takes two. */
const LITERALS_CONTEXT: i32 = 0;
const FROM_CONTEXT: i32 = 2;
const LENGTH_CONTEXT: i32 = 4;

// The first five streams hold the compressed literals by the time the instructions are written.
const literalsStream: i32 = streamAt(5);
const fromStream: i32 = streamAt(6);
const lengthStream: i32 = streamAt(7);

/**
 * The number for where a COPY starts; `diagonal` is base position less target position of the last one, `former` that of
 * the last one that had another.
 */
function fromCode(from: i32, to: i32, copiedTo: i32, diagonal: i32, former: i32): i32 {
  if (from - to === diagonal) return 0;
  if (from === copiedTo) return 1;
  if (from - to === former) return 2;
  const ahead = from - to - diagonal;
  return 3 + ((ahead << 1) ^ (ahead >> 31));
}

/** Reverses `fromCode`. */
function fromOf(code: i32, to: i32, copiedTo: i32, diagonal: i32, former: i32): i32 {
  if (code === 0) return to + diagonal;
  if (code === 1) return copiedTo;
  if (code === 2) return to + former;
  const zigzag = code - 3;
  return to + diagonal + ((zigzag >> 1) ^ -(zigzag & 1));
}

/** Writes the first `count` instructions. */
export function writeInstructions(count: i32): void {
  startColumns();
  let to = 0;
  let copiedTo = 0;
  let diagonal = 0;
  let former = 0;
  for (let i = 0; i < 4 * count; i += 4) {
    const literals = load32(OP_LITERALS + i);
    const from = load32(OP_FROM + i);
    const length = load32(OP_LENGTH + i);
    const declared = i === 4 * count - 4 ? 0 : length;
    to += literals;
    const code = length > 0 ? fromCode(from, to, copiedTo, diagonal, former) : 0;
    if (count <= MANY) {
      encodeNumber(LITERALS_CONTEXT, literals);
      encodeNumber(FROM_CONTEXT, code);
      encodeNumber(LENGTH_CONTEXT, declared);
    } else {
      const token = i >> 2;
      putInColumn(literalsStream + token, literals);
      putInColumn(fromStream + token, code);
      putInColumn(lengthStream + token, declared);
    }
    copiedTo = from + length;
    if (code > 0) {
      former = diagonal;
      diagonal = from - to;
    }
    to += length;
  }
  if (count <= MANY) return;
  writeStream(literalsStream, count, LITERALS_CONTEXT);
  writeStream(fromStream, count, FROM_CONTEXT);
  writeStream(lengthStream, count, LENGTH_CONTEXT);
  finishColumns();
}

/**
 * Reads the instructions for a target and a base of these sizes. Returns their number, or a negative error: every COPY
 * lies inside the base, every instruction writes something, and together they write the target exactly.
 */
export function readInstructions(many: boolean, baseSize: i32, targetSize: i32): i32 {
  const count = many ? openStreams() : MANY;
  if (count < 0) return ERROR_MALFORMED;
  let written = 0;
  let copiedTo = 0;
  let diagonal = 0;
  let former = 0;
  for (let i = 0; i < 4 * count; i += 4) {
    let literals = 0;
    let code = 0;
    let declared = 0;
    if (many) {
      const token = i >> 2;
      literals = takeFromColumn(load8(literalsStream + token));
      code = takeFromColumn(load8(fromStream + token));
      declared = takeFromColumn(load8(lengthStream + token));
    } else {
      literals = decodeNumber(LITERALS_CONTEXT);
      code = decodeNumber(FROM_CONTEXT);
      declared = decodeNumber(LENGTH_CONTEXT);
    }
    if ((literals | code | declared) < 0) return ERROR_MALFORMED;
    const left = targetSize - written;
    if (literals > left || declared > left - literals) return ERROR_OUTPUT;
    const length = declared === 0 ? left - literals : declared;
    const to = written + literals;
    const from = fromOf(code, to, copiedTo, diagonal, former);
    if (length > 0) {
      if (from < 0 || from > baseSize - length) return ERROR_COPY;
      copiedTo = from + length;
      if (from - to !== diagonal) {
        former = diagonal;
        diagonal = from - to;
      }
    }
    store32(OP_LITERALS + i, literals);
    store32(OP_FROM + i, from);
    store32(OP_LENGTH + i, length);
    written = to + length;
    if (declared > 0) continue;
    const read = (i >> 2) + 1;
    return !many || (read === count && columnsUsedUp()) ? read : ERROR_MALFORMED;
  }
  return ERROR_INSTRUCTIONS;
}

/** Reads the streams of the three columns. Returns how many instructions they hold, or -1 when they are malformed. */
function openStreams(): i32 {
  const count = readStream(literalsStream, MAX_OPS, LITERALS_CONTEXT);
  const froms = readStream(fromStream, MAX_OPS, FROM_CONTEXT);
  const lengths = readStream(lengthStream, MAX_OPS, LENGTH_CONTEXT);
  return count === froms && count === lengths && openColumns(3 * count) ? count : -1;
}
