/*
 * The body of a delta:
 *
 *   LEB128     bytes of the range coder's output
 *   adaptive   that output: the features, instructions, announcements of streams, short streams, in order
 *   sections   the coded bytes of long streams, in order
 *
 * Features: MANY_INSTRUCTIONS in streams; COMPRESSED literals, and these with a DICTIONARY of skipped bytes of the base;
 * CORRECTIONS of the bytes that COPYs get wrong, and these foretold BYTEWISE.
 */
import { areBytewise, correct, corrected, readCorrections, writeCorrections } from './corrections.ts';
import { ERROR_CORRECTIONS, ERROR_LITERALS, ERROR_MALFORMED, ERROR_TRAILING } from './errors.ts';
import { startInstructions } from './instruction-list.ts';
import { MANY, readInstructions, writeInstructions } from './instructions.ts';
import {
  ADAPTIVE,
  BASE,
  BODY_AT,
  BY_KERNEL,
  COPIES,
  DELTA,
  LITERALS,
  MAX_ADAPTIVE,
  OP_FROM,
  OP_LENGTH,
  OP_LITERALS,
  SECTIONS,
  STEPS,
  TARGET,
  TO_KERNEL,
  TO_TARGET,
} from './layout.ts';
import { findMatches, looks, PLAIN, readMatches, writeMatches } from './literals.ts';
import { copy, copyExactly, load8, load32, store8, store32 } from './machine.ts';
import { gatherDictionary, markNeeded } from './needed.ts';
import { afterNumber, putNumber, takeNumber } from './numbers.ts';
import * as range from './range-coder.ts';
import { approximate, search, startOf } from './search.ts';
import { match } from './signature.ts';
import { openSections, readStream, sectionBytes, sectionsLeft, startSections, writeStream } from './stream.ts';

const MANY_INSTRUCTIONS: i32 = 1;
const COMPRESSED: i32 = 2;
const CORRECTIONS: i32 = 4;
const DICTIONARY: i32 = 8;
const BYTEWISE: i32 = 16;

const FEATURES_CONTEXT: i32 = 18;

/** Of the delta that was parsed last. */
let features: i32 = 0;

/** With more instructions a call for each COPY would cost more than copying base and target. */
const FEW: i32 = 2048;
/** Fewer literals are not worth the compressor's tables. */
const FEW_LITERALS: i32 = 16;
/**
 * Writes the body of a delta for the signature in memory, made of a base of `baseSize` bytes, to a target of which
 * `prefix` chunks at its start and `suffix` bytes at its end are those of the base and not in memory. Returns its bytes.
 */
export function encodeFromSignature(baseSize: i32, targetSize: i32, chunkSize: i32, prefix: i32, suffix: i32): i32 {
  const count = match(baseSize, targetSize, chunkSize, prefix, suffix);
  gatherLiterals(0, count, LITERALS, TARGET - prefix * chunkSize);
  return write(count, countLiterals(0, count), 0, 0);
}

/** Writes the body of the delta from the base to the target, both in memory, to where BODY_AT says. Returns its bytes. */
export function encode(baseSize: i32, targetSize: i32): i32 {
  startInstructions();
  store32(STEPS, 0);
  const count = search(baseSize, targetSize, 0, startOf(baseSize, targetSize));
  const literals = countLiterals(0, count);
  const dictionary = gatherDictionary(0, count, BASE, baseSize, 0);
  gatherLiterals(0, count, LITERALS + dictionary, TARGET);
  const corrections = approximate ? CORRECTIONS | (areBytewise(count) ? BYTEWISE : 0) : 0;
  return write(count, literals, dictionary, corrections);
}

/** Puts the body together: the columns of instructions, and the literals after the dictionary. */
export function write(count: i32, literals: i32, dictionary: i32, corrections: i32): i32 {
  let written = count > MANY ? MANY_INSTRUCTIONS | corrections : corrections;
  if (literals >= FEW_LITERALS) {
    if (findMatches(dictionary, literals)) written |= dictionary > 0 ? COMPRESSED | DICTIONARY : COMPRESSED;
    store32(STEPS, load32(STEPS) + looks);
  }

  range.startEncoding(ADAPTIVE, MAX_ADAPTIVE);
  startSections();
  range.encodeNumber(FEATURES_CONTEXT, written);
  writeInstructions(count);
  if (written & COMPRESSED) writeMatches();
  else if (literals > 0) writeStream(LITERALS + dictionary, literals, PLAIN);
  if (written & CORRECTIONS) writeCorrections(count, (written & BYTEWISE) !== 0);

  const adaptive = range.finishEncoding();
  const head = adaptive + (adaptive < 1 << 7 ? 1 : adaptive < 1 << 14 ? 2 : 3);
  const body = SECTIONS - head;
  const to = putNumber(body, adaptive);
  // A copy of whole vectors, which cannot run over into the sections, and the rest.
  const vectors = adaptive & ~15;
  copy(to, ADAPTIVE, vectors);
  for (let i = vectors; i < adaptive; i++) store8(to + i, load8(ADAPTIVE + i));
  store32(BODY_AT, body);
  return head + sectionBytes();
}

/**
 * Reads the instructions of the delta's body at DELTA. Returns their number or a negative error. Leaves at
 * COPIES who copies what, and at PIECES which parts of the base have to be in memory for it.
 */
export function parse(baseSize: i32, targetSize: i32, bytes: i32): i32 {
  const end = DELTA + bytes;
  const adaptive = takeNumber(DELTA, end);
  if (adaptive < 0 || adaptive > end - afterNumber) return ERROR_MALFORMED;
  range.startDecoding(afterNumber, adaptive);
  openSections(afterNumber + adaptive, end - afterNumber - adaptive);
  features = range.decodeNumber(FEATURES_CONTEXT);
  if (features < 0 || features > 31) return ERROR_MALFORMED;
  const count = readInstructions((features & MANY_INSTRUCTIONS) !== 0, baseSize, targetSize);
  if (count < 0) return count;
  const many = count > FEW;
  store32(COPIES, many ? BY_KERNEL : features & CORRECTIONS ? TO_KERNEL : TO_TARGET);
  markNeeded(count, baseSize, many, (features & DICTIONARY) !== 0);
  return count;
}

/** Reads the literals of the instructions that were parsed. Returns their address or a negative error. */
export function readLiterals(count: i32, baseSize: i32): i32 {
  const literals = countLiterals(0, count);
  const dictionary = features & DICTIONARY ? gatherDictionary(0, count, BASE, baseSize, 0) : 0;
  if (features & COMPRESSED) {
    if (!readMatches(dictionary, literals)) return ERROR_LITERALS;
  } else if (literals > 0 && readStream(LITERALS + dictionary, literals, PLAIN) !== literals) return ERROR_LITERALS;
  if (features & CORRECTIONS && !readCorrections((features & BYTEWISE) !== 0)) return ERROR_CORRECTIONS;
  if (sectionsLeft() !== 0 || range.overran()) return ERROR_TRAILING;
  return LITERALS + dictionary;
}

/**
 * Writes the target to TARGET, where the COPYs are already unless they are BY_KERNEL, with the literals at the address
 * that `readLiterals` returned. Returns 0 or a negative error.
 */
export function rebuild(count: i32, literalsFrom: i32): i32 {
  const copies = load32(COPIES) === BY_KERNEL;
  let to = TARGET;
  let literal = literalsFrom;
  for (let i = 0; i < 4 * count; i += 4) {
    const literals = load32(OP_LITERALS + i);
    const from = load32(OP_FROM + i);
    const length = load32(OP_LENGTH + i);
    if (copies) {
      copy(to, literal, literals);
      copy(to + literals, BASE + from, length);
    } else {
      copyExactly(to, literal, literals);
    }
    to += literals;
    literal += literals;
    if (features & CORRECTIONS) correct(to, from, length);
    to += length;
  }
  return features & CORRECTIONS && !corrected() ? ERROR_CORRECTIONS : 0;
}

/** Literals of the instructions from `first` on, of `count` in all. */
export function countLiterals(first: i32, count: i32): i32 {
  let literals = 0;
  for (let i = first; i < count; i++) literals += load32(OP_LITERALS + 4 * i);
  return literals;
}

/** Puts them together at `to`; the first of these instructions writes what is at `targetAt`. */
export function gatherLiterals(first: i32, count: i32, to: i32, targetAt: i32): void {
  let at = targetAt;
  let literal = to;
  for (let i = 4 * first; i < 4 * count; i += 4) {
    const literals = load32(OP_LITERALS + i);
    copy(literal, at, literals);
    literal += literals;
    at += literals + load32(OP_LENGTH + i);
  }
}
