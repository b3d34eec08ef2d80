/*
 * The body of a delta:
 *
 *   LEB128     bytes of the range coder's output
 *   adaptive   that output: the features, instructions, announcements of streams, short streams, in order
 *   sections   the coded bytes of long streams, in order
 *
 * Features: MANY_INSTRUCTIONS in streams; COMPRESSED literals; literals as DIFFERENCES from the base's bytes on the
 * diagonal.
 */
import { ERROR_LITERALS, ERROR_MALFORMED, ERROR_TRAILING } from './errors.ts';
import { MANY, readInstructions, writeInstructions } from './instructions.ts';
import {
  ADAPTIVE,
  BASE,
  DELTA,
  LITERALS,
  MAX_ADAPTIVE,
  MAX_DICTIONARY,
  OP_FROM,
  OP_LENGTH,
  OP_LITERALS,
  SECTIONS,
  TARGET,
} from './layout.ts';
import { findMatches, PLAIN, readMatches, writeMatches } from './literals.ts';
import { add, copy, load8, load32, subtract } from './machine.ts';
import { afterNumber, putNumber, smaller, takeNumber } from './numbers.ts';
import * as range from './range-coder.ts';
import { search } from './search.ts';
import { openSections, readStream, sectionBytes, sectionsLeft, startSections, writeStream } from './stream.ts';

const MANY_INSTRUCTIONS: i32 = 1;
const COMPRESSED: i32 = 2;
const DIFFERENCES: i32 = 4;

const FEATURES_CONTEXT: i32 = 18;

/** Fewer literals are not worth the compressor's tables. */
const FEW_LITERALS: i32 = 16;

/** Writes the delta from the base to the target, both in memory, to DELTA. Returns its bytes. */
export function encode(baseSize: i32, targetSize: i32): i32 {
  const count = search(baseSize, targetSize);
  const literals = countLiterals(count);
  let features = count > MANY ? MANY_INSTRUCTIONS : 0;
  let dictionary = 0;
  if (differencesPay(count, literals, baseSize)) features |= DIFFERENCES;
  else dictionary = gatherDictionary(count, baseSize);
  gatherLiterals(count, LITERALS + dictionary, features & DIFFERENCES, baseSize);
  if (literals >= FEW_LITERALS && findMatches(dictionary, literals)) features |= COMPRESSED;

  range.startEncoding(ADAPTIVE, MAX_ADAPTIVE);
  startSections();
  range.encodeNumber(FEATURES_CONTEXT, features);
  writeInstructions(count);
  if (features & COMPRESSED) writeMatches();
  else if (literals > 0) writeStream(LITERALS + dictionary, literals, PLAIN);

  const adaptive = range.finishEncoding();
  const sections = sectionBytes();
  const to = putNumber(DELTA, adaptive);
  copy(to, ADAPTIVE, adaptive);
  copy(to + adaptive, SECTIONS, sections);
  return to + adaptive + sections - DELTA;
}

/** Rebuilds the target from the base and the delta's body at DELTA. Returns 0 or a negative error. */
export function apply(baseSize: i32, targetSize: i32, bytes: i32): i32 {
  const end = DELTA + bytes;
  const adaptive = takeNumber(DELTA, end);
  if (adaptive < 0 || adaptive > end - afterNumber) return ERROR_MALFORMED;
  range.startDecoding(afterNumber, adaptive);
  openSections(afterNumber + adaptive, end - afterNumber - adaptive);

  const features = range.decodeNumber(FEATURES_CONTEXT);
  if (features < 0 || features > 7) return ERROR_MALFORMED;
  const count = readInstructions((features & MANY_INSTRUCTIONS) !== 0, baseSize, targetSize);
  if (count < 0) return count;
  const literals = countLiterals(count);
  const dictionary = features & DIFFERENCES || !(features & COMPRESSED) ? 0 : gatherDictionary(count, baseSize);
  if (features & COMPRESSED) {
    if (!readMatches(dictionary, literals)) return ERROR_LITERALS;
  } else if (literals > 0 && readStream(LITERALS, literals, PLAIN) !== literals) return ERROR_LITERALS;
  if (sectionsLeft() !== 0 || range.overran()) return ERROR_TRAILING;
  rebuild(count, LITERALS + dictionary, features & DIFFERENCES, baseSize);
  return 0;
}

function rebuild(count: i32, literalsFrom: i32, differences: i32, baseSize: i32): void {
  let to = TARGET;
  let literal = literalsFrom;
  let diagonal = 0;
  for (let i = 0; i < 4 * count; i += 4) {
    const literals = load32(OP_LITERALS + i);
    const from = load32(OP_FROM + i);
    const length = load32(OP_LENGTH + i);
    if (differences) {
      const old = smaller(literals, baseSize - diagonal);
      add(to, literal, BASE + diagonal, old);
      copy(to + old, literal + old, literals - old);
    } else {
      copy(to, literal, literals);
    }
    to += literals;
    literal += literals;
    copy(to, BASE + from, length);
    to += length;
    diagonal = from + length;
  }
}

function countLiterals(count: i32): i32 {
  let literals = 0;
  for (let i = 0; i < count; i++) literals += load32(OP_LITERALS + 4 * i);
  return literals;
}

/**
 * Puts the bytes of the base that are skipped where literals stand in their place at LITERALS. Returns how many: of each
 * gap the first, twice as many as its literals and some more, and no more in all than MAX_DICTIONARY.
 */
function gatherDictionary(count: i32, baseSize: i32): i32 {
  let gathered = 0;
  let copiedTo = 0;
  for (let i = 0; i < 4 * count; i += 4) {
    const literals = load32(OP_LITERALS + i);
    const length = load32(OP_LENGTH + i);
    const next = length > 0 ? load32(OP_FROM + i) : baseSize;
    const gap = smaller(next - copiedTo, 2 * literals + 64);
    if (literals > 0 && gap > 0) {
      const part = smaller(gap, MAX_DICTIONARY - gathered);
      copy(LITERALS + gathered, BASE + copiedTo, part);
      gathered += part;
    }
    if (length > 0) copiedTo = next + length;
  }
  return gathered;
}

function gatherLiterals(count: i32, to: i32, differences: i32, baseSize: i32): void {
  let at = TARGET;
  let literal = to;
  let diagonal = 0;
  for (let i = 0; i < 4 * count; i += 4) {
    const literals = load32(OP_LITERALS + i);
    const length = load32(OP_LENGTH + i);
    if (differences) {
      const old = smaller(literals, baseSize - diagonal);
      subtract(literal, at, BASE + diagonal, old);
      copy(literal + old, at + old, literals - old);
    } else {
      copy(literal, at, literals);
    }
    literal += literals;
    at += literals + length;
    diagonal = load32(OP_FROM + i) + length;
  }
}

/** Whether more than a fifth of the literals equal the base's bytes on the diagonal, as in executables. */
function differencesPay(count: i32, literals: i32, baseSize: i32): boolean {
  if (literals < 4096) return false;
  let at = TARGET;
  let diagonal = 0;
  let equal = 0;
  for (let i = 0; i < 4 * count; i += 4) {
    const run = load32(OP_LITERALS + i);
    const length = load32(OP_LENGTH + i);
    const old = smaller(run, baseSize - diagonal);
    for (let j = 0; j < old; j++) equal += load8(at + j) === load8(BASE + diagonal + j) ? 1 : 0;
    at += run + length;
    diagonal = load32(OP_FROM + i) + length;
  }
  return 5 * equal > literals;
}
