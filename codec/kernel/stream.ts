/*
 * A stream is a run of bytes of one kind, such as the literals or the low bytes of offsets. In the delta it is one of
 *
 *   RAW       its bytes in the sections
 *   ADAPTIVE  its bytes through the range coder, in the stream's context: short streams
 *   STATIC    scaled counts and the number of coded bytes through the range coder, coded bytes in the sections
 *
 * announced through the range coder by 4 * length + kind.
 */
import { SECTIONS } from './layout.ts';
import { copy, load8, store8 } from './machine.ts';
import * as range from './range-coder.ts';
import * as fixed from './static-coder.ts';

const RAW: i32 = 0;
const ADAPTIVE: i32 = 1;
const STATIC: i32 = 2;

/** Contexts of the announcement and of the number of coded bytes; each takes two. */
const ANNOUNCEMENT: i32 = 9;
const CODED_BYTES: i32 = 11;

/** Up to here the range coder's time does not matter, and the static tables would cost more than they save. */
const SHORT: i32 = 1024;
/** A longer stream is sampled first, at eight places. */
const LONG: i32 = 1 << 16;
const SAMPLE: i32 = 1 << 11;

let at: i32 = 0;
let end: i32 = 0;

export function startSections(): void {
  at = SECTIONS;
}

export function sectionBytes(): i32 {
  return at - SECTIONS;
}

/** Reads sections from where `readStream` takes them. */
export function openSections(from: i32, bytes: i32): void {
  at = from;
  end = from + bytes;
}

export function sectionsLeft(): i32 {
  return end - at;
}

export function writeStream(from: i32, length: i32, context: i32): void {
  if (length <= SHORT) {
    range.save(ANNOUNCEMENT);
    range.encodeNumber(ANNOUNCEMENT, 4 * length + ADAPTIVE);
    const before = range.encodedBytes();
    for (let i = 0; i < length; i++) range.encodeByte(context, load8(from + i));
    if (range.encodedBytes() - before <= length) return;
    range.restore(ANNOUNCEMENT);
    writeRaw(from, length);
  } else if (!countAndScale(from, length)) {
    writeRaw(from, length);
  } else {
    range.encodeNumber(ANNOUNCEMENT, 4 * length + STATIC);
    fixed.encodeCounts();
    const coded = fixed.encodeStatic(from, length, at);
    range.encodeNumber(CODED_BYTES, coded);
    at += coded;
  }
}

/** Prepares the static tables. Returns false when they would save too little. */
function countAndScale(from: i32, length: i32): boolean {
  if (length > LONG) {
    const stride = length >> 3;
    fixed.clearCounts();
    for (let i = 0; i < 8; i++) fixed.countBytes(from + i * stride, SAMPLE);
    fixed.scaleCounts(8 * SAMPLE);
    if (!fixed.isCompressible(length)) return false;
  }
  fixed.measure(from, length);
  return fixed.isCompressible(length);
}

function writeRaw(from: i32, length: i32): void {
  range.encodeNumber(ANNOUNCEMENT, 4 * length + RAW);
  copy(at, from, length);
  at += length;
}

/** Reads a stream of at most `limit` bytes to `to`. Returns its length, or -1 when it is malformed. */
export function readStream(to: i32, limit: i32, context: i32): i32 {
  const announcement = range.decodeNumber(ANNOUNCEMENT);
  const length = announcement >> 2;
  if (announcement < 0 || length > limit) return -1;
  const kind = announcement & 3;
  if (kind === RAW) {
    if (length > end - at) return -1;
    copy(to, at, length);
    at += length;
    return length;
  }
  if (kind === ADAPTIVE) {
    for (let i = 0; i < length; i++) store8(to + i, range.decodeByte(context));
    return length;
  }
  if (kind !== STATIC || !fixed.decodeCounts()) return -1;
  const coded = range.decodeNumber(CODED_BYTES);
  if (coded < 0 || coded > end - at || !fixed.decodeStatic(at, coded, to, length)) return -1;
  at += coded;
  return length;
}
