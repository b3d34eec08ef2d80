/*
 * The columns of instructions on their way to and from the delta. An instruction is three numbers:
 *
 *   literals  bytes that are not copied
 *   from      where the COPY after them starts: 0 on the diagonal (the literals replace as many bytes of the base),
 *             1 where the last COPY ended (they are inserted), 2 on the diagonal before the present one, else 3 + the
 *             zigzag distance from the diagonal
 *   length    bytes of the COPY; 0 for all the rest of the target, which ends the list
 *
 * Up to MANY of them go through the range coder one after the other; more as three streams of LEB128.
 */

import { ERROR_COPY, ERROR_INSTRUCTIONS, ERROR_MALFORMED, ERROR_OUTPUT } from './errors.ts';
import { MAX_OPS, MAX_TARGET, OP_FROM, OP_LENGTH, OP_LITERALS, streamAt } from './layout.ts';
import { load32, store32 } from './machine.ts';
import { afterNumber, putNumber, takeNumber } from './numbers.ts';
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

let copiedTo: i32 = 0;
/** Base position less target position of the last COPY that had another such difference than the one before it. */
let diagonal: i32 = 0;
let formerDiagonal: i32 = 0;

function start(): void {
  copiedTo = 0;
  diagonal = 0;
  formerDiagonal = 0;
}

/** Notes a COPY that writes from `to` on. */
function note(from: i32, to: i32, length: i32): void {
  copiedTo = from + length;
  if (from - to === diagonal) return;
  formerDiagonal = diagonal;
  diagonal = from - to;
}

function fromCode(from: i32, to: i32): i32 {
  if (from - to === diagonal) return 0;
  if (from === copiedTo) return 1;
  if (from - to === formerDiagonal) return 2;
  const ahead = from - to - diagonal;
  return 3 + ((ahead << 1) ^ (ahead >> 31));
}

function fromOf(code: i32, to: i32): i32 {
  if (code === 0) return to + diagonal;
  if (code === 1) return copiedTo;
  if (code === 2) return to + formerDiagonal;
  const zigzag = code - 3;
  return to + diagonal + ((zigzag >> 1) ^ -(zigzag & 1));
}

/** Writes the first `count` instructions. */
export function writeInstructions(count: i32): void {
  start();
  let to = 0;
  let literalsAt = literalsStream;
  let fromAt = fromStream;
  let lengthAt = lengthStream;
  for (let i = 0; i < 4 * count; i += 4) {
    const literals = load32(OP_LITERALS + i);
    const from = load32(OP_FROM + i);
    const length = load32(OP_LENGTH + i);
    const declared = i === 4 * count - 4 ? 0 : length;
    to += literals;
    let code = 0;
    if (length > 0) {
      code = fromCode(from, to);
      note(from, to, length);
      to += length;
    }
    if (count <= MANY) {
      encodeNumber(LITERALS_CONTEXT, literals);
      encodeNumber(FROM_CONTEXT, code);
      encodeNumber(LENGTH_CONTEXT, declared);
    } else {
      literalsAt = putNumber(literalsAt, literals);
      fromAt = putNumber(fromAt, code);
      lengthAt = putNumber(lengthAt, declared);
    }
  }
  if (count <= MANY) return;
  writeStream(literalsStream, literalsAt - literalsStream, LITERALS_CONTEXT);
  writeStream(fromStream, fromAt - fromStream, FROM_CONTEXT);
  writeStream(lengthStream, lengthAt - lengthStream, LENGTH_CONTEXT);
}

/**
 * Reads the instructions for a target and a base of these sizes. Returns their number, or a negative error: every COPY
 * lies inside the base, every instruction writes something, and together they write the target exactly.
 */
export function readInstructions(many: boolean, baseSize: i32, targetSize: i32): i32 {
  start();
  if (!many) {
    let written = 0;
    for (let count = 0; count < MANY; count++) {
      const literals = decodeNumber(LITERALS_CONTEXT);
      const from = decodeNumber(FROM_CONTEXT);
      const length = decodeNumber(LENGTH_CONTEXT);
      written = accept(count, literals, from, length, written, baseSize, targetSize);
      if (written < 0) return written;
      if (length === 0) return count + 1;
    }
    return ERROR_INSTRUCTIONS;
  }
  const literalsEnd = literalsStream + readStream(literalsStream, MAX_TARGET, LITERALS_CONTEXT);
  const fromEnd = fromStream + readStream(fromStream, MAX_TARGET, FROM_CONTEXT);
  const lengthEnd = lengthStream + readStream(lengthStream, MAX_TARGET, LENGTH_CONTEXT);
  let literalsAt = literalsStream;
  let fromAt = fromStream;
  let lengthAt = lengthStream;
  let written = 0;
  for (let count = 0; count < MAX_OPS; count++) {
    const literals = takeNumber(literalsAt, literalsEnd);
    literalsAt = afterNumber;
    const from = takeNumber(fromAt, fromEnd);
    fromAt = afterNumber;
    const length = takeNumber(lengthAt, lengthEnd);
    lengthAt = afterNumber;
    written = accept(count, literals, from, length, written, baseSize, targetSize);
    if (written < 0) return written;
    if (length > 0) continue;
    return literalsAt === literalsEnd && fromAt === fromEnd && lengthAt === lengthEnd ? count + 1 : ERROR_MALFORMED;
  }
  return ERROR_INSTRUCTIONS;
}

/** Checks and stores one instruction. Returns how much is written after it, or a negative error. */
function accept(
  index: i32,
  literals: i32,
  code: i32,
  declared: i32,
  written: i32,
  baseSize: i32,
  targetSize: i32,
): i32 {
  if (literals < 0 || code < 0 || declared < 0) return ERROR_MALFORMED;
  const left = targetSize - written;
  if (literals > left || declared > left - literals) return ERROR_OUTPUT;
  const length = declared === 0 ? left - literals : declared;
  const to = written + literals;
  const from = fromOf(code, to);
  if (length > 0) {
    if (from < 0 || from > baseSize - length) return ERROR_COPY;
    note(from, to, length);
  }
  store32(OP_LITERALS + 4 * index, literals);
  store32(OP_FROM + 4 * index, from);
  store32(OP_LENGTH + 4 * index, length);
  return to + length;
}
