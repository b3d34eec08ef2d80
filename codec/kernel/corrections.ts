/*
 * What puts approximate COPYs right: for each 4 bytes that begin with a wrong one, what to add to them as a number.
 *
 * In executables that number follows from where things moved. Code holds the distance to what it refers to, so the
 * number is the move of what it refers to less its own; tables hold addresses or offsets, and the number is the move of
 * what they refer to. Either is nearly always the same as for the last reference into the same region of the base.
 * In text that was wrapped again the number follows from the byte that it changes, a space or the end of a line; then
 * corrections are foretold bytewise. So a correction is mostly one byte, the bytes since the one before it.
 *
 *   token    gap below LONG_GAP, for a number that is foretold, as a distance or by the byte; else LONG_GAP + kind, and
 *            the gap as a number in a stream of its own
 *   kinds    0 foretold, 1 as an offset, from 2 on one of the RECENT numbers that were neither, from EXPLICIT on the
 *            number itself in 1 to 4 bytes: its lowest in one stream, the others in the next
 *
 * In the last 3 bytes of a COPY the value is what of them is left.
 */
import {
  ABSOLUTE,
  ABSOLUTE_REGIONS,
  BASE,
  BYTES,
  MAX_TARGET,
  OP_FROM,
  OP_LENGTH,
  OP_LITERALS,
  RECENTS,
  RELATIVE,
  RELATIVE_REGIONS,
  streamAt,
  TARGET,
} from './layout.ts';
import { commonPrefix, fill, load8, load32, store8, store32 } from './machine.ts';
import { afterNumber, putNumber, smaller, takeNumber } from './numbers.ts';
import { readStream, writeStream } from './stream.ts';

const LONG_GAP: i32 = 224;
const FORETOLD: i32 = 0;
const OFFSET: i32 = 1;
const RECENT: i32 = 2;
const RECENT_COUNT: i32 = 16;
const EXPLICIT: i32 = RECENT + RECENT_COUNT;

/** Regions of what is referred to, as powers of 2: code moves in larger pieces than what tables point to. */
const RELATIVE_BITS: i32 = 12;
const ABSOLUTE_BITS: i32 = 10;

/** Corrections by which it is judged what foretells them better. */
const JUDGED: i32 = 1 << 11;

/** Contexts of the four streams. */
const TOKEN: i32 = 20;
const GAP: i32 = 21;
const LOW: i32 = 22;
const HIGH: i32 = 23;

const tokenStream: i32 = streamAt(5);
const gapStream: i32 = streamAt(6);
const lowStream: i32 = streamAt(7);
const highStream: i32 = streamAt(8);

let token: i32 = 0;
let gap: i32 = 0;
let low: i32 = 0;
let high: i32 = 0;
/** Whether the byte that it changes foretells a number, rather than where things moved. */
let byByte: boolean = false;
/** Place of the oldest of the recent numbers. */
let oldest: i32 = 0;

function start(): void {
  token = tokenStream;
  gap = gapStream;
  low = lowStream;
  high = highStream;
  fill(RELATIVE, 0, 4 << RELATIVE_REGIONS);
  fill(ABSOLUTE, 0, 4 << ABSOLUTE_REGIONS);
  fill(BYTES, 0, 4 << 8);
  fill(RECENTS, 0, 4 * RECENT_COUNT);
  oldest = 0;
}

/** Where the move of the region is kept that a value refers to, at `place` of the base, as a distance. */
function relative(place: i32, value: i32): i32 {
  return RELATIVE + ((((place + value) >>> RELATIVE_BITS) & ((1 << RELATIVE_REGIONS) - 1)) << 2);
}

/** The same for a value that is an offset. */
function absolute(value: i32): i32 {
  return ABSOLUTE + (((value >>> ABSOLUTE_BITS) & ((1 << ABSOLUTE_REGIONS) - 1)) << 2);
}

/** Where the number is kept that was last added to a value with this lowest byte. */
function byteOf(value: i32): i32 {
  return BYTES + ((value & 255) << 2);
}

/** Remembers what was added to a value, at which `place` of the base, for those that resemble it. */
function note(place: i32, old: i32, change: i32, shift: i32): void {
  if (byByte) {
    store32(byteOf(old), change);
    return;
  }
  store32(relative(place, old), change + shift);
  store32(absolute(old), change);
}

/** The number that is foretold for a value, at `place` of the base. */
function foretold(place: i32, value: i32, shift: i32): i32 {
  return byByte ? load32(byteOf(value)) : (load32(relative(place, value)) - shift) | 0;
}

/** The lowest bytes of a number, without a sign and with one. */
function lowest(number: i32, bytes: i32): i32 {
  return bytes === 4 ? number : number & ((1 << (8 * bytes)) - 1);
}

function signed(number: i32, bytes: i32): i32 {
  const unused = 32 - 8 * bytes;
  return (number << unused) >> unused;
}

/** Lets a number take the place of the oldest one. */
function remember(value: i32): void {
  store32(RECENTS + 4 * oldest, value);
  oldest = (oldest + 1) & (RECENT_COUNT - 1);
}

/** Writes the corrections of the instructions' COPYs, all of one sort; see `areBytewise`. */
export function writeCorrections(count: i32, bytewise: boolean): void {
  byByte = bytewise;
  visitCorrections(count, MAX_TARGET);
  writeStream(tokenStream, token - tokenStream, TOKEN);
  writeStream(gapStream, gap - gapStream, GAP);
  writeStream(lowStream, low - lowStream, LOW);
  writeStream(highStream, high - highStream, HIGH);
}

/** Whether the first corrections are foretold better by the byte that they change. */
export function areBytewise(count: i32): boolean {
  byByte = false;
  visitCorrections(count, JUDGED);
  const others = gap - gapStream;
  byByte = true;
  visitCorrections(count, JUDGED);
  return gap - gapStream < others;
}

/** Fills the streams with the first `most` corrections. */
function visitCorrections(count: i32, most: i32): void {
  start();
  let to = TARGET;
  let since = 0;
  for (let i = 0; i < 4 * count && token - tokenStream < most; i += 4) {
    to += load32(OP_LITERALS + i);
    const from = BASE + load32(OP_FROM + i);
    const length = load32(OP_LENGTH + i);
    const shift = to - TARGET - (from - BASE);
    let done = 0;
    let place = commonPrefix(to, from, length);
    while (place < length && token - tokenStream < most) {
      const left = smaller(length - place, 4);
      const old = lowest(load32(from + place), left);
      const change = signed(load32(to + place) - old, left);
      put(since + place - done, from - BASE + place, old, change, shift);
      since = 0;
      done = smaller(place + 4, length);
      place = done + commonPrefix(to + done, from + done, length - done);
    }
    since += length - done;
    to += length;
  }
}

function put(bytes: i32, place: i32, old: i32, change: i32, shift: i32): void {
  let kind = FORETOLD;
  if (foretold(place, old, shift) !== change) {
    kind = !byByte && load32(absolute(old)) === change ? OFFSET : putOther(change);
  }
  note(place, old, change, shift);
  if (kind === FORETOLD && bytes < LONG_GAP) {
    store8(token++, bytes);
  } else {
    store8(token++, LONG_GAP + kind);
    gap = putNumber(gap, bytes);
  }
}

/** Writes a number that is not foretold. Returns its kind. */
function putOther(change: i32): i32 {
  let index = 0;
  while (index < RECENT_COUNT && load32(RECENTS + 4 * index) !== change) index++;
  if (index < RECENT_COUNT) return RECENT + index;
  remember(change);
  let bytes = 1;
  while (signed(change, bytes) !== change) bytes++;
  store8(low++, change);
  for (let i = 1; i < bytes; i++) store8(high++, change >> (8 * i));
  return EXPLICIT - 1 + bytes;
}

let tokenEnd: i32 = 0;
let gapEnd: i32 = 0;
let lowEnd: i32 = 0;
let highEnd: i32 = 0;
/** A kind when no correction follows, and when one is malformed; and as many bytes before it. */
const NONE: i32 = -1;
const MALFORMED: i32 = -2;
const NEVER: i32 = 1 << 29;

/** Copied bytes before the next correction, and its kind. */
let ahead: i32 = 0;
let kindAhead: i32 = 0;

/** Reads the streams of corrections. Returns false when they are malformed. */
export function readCorrections(bytewise: boolean): boolean {
  byByte = bytewise;
  start();
  tokenEnd = token + readStream(token, MAX_TARGET, TOKEN);
  gapEnd = gap + readStream(gap, MAX_TARGET, GAP);
  lowEnd = low + readStream(low, MAX_TARGET, LOW);
  highEnd = high + readStream(high, MAX_TARGET, HIGH);
  ahead = takeToken();
  return tokenEnd >= token && gapEnd >= gap && lowEnd >= low && highEnd >= high;
}

/** Whether all corrections were used up. */
export function corrected(): boolean {
  return kindAhead === NONE && gap === gapEnd && low === lowEnd && high === highEnd;
}

/** The gap of the next token; leaves its kind. */
function takeToken(): i32 {
  if (token >= tokenEnd) {
    kindAhead = NONE;
    return NEVER;
  }
  const value = load8(token++);
  kindAhead = FORETOLD;
  return value < LONG_GAP ? value : takeLongGap(value - LONG_GAP);
}

function takeLongGap(kind: i32): i32 {
  const bytes = takeNumber(gap, gapEnd);
  gap = afterNumber;
  if (bytes < 0 || kind >= EXPLICIT + 4) {
    kindAhead = MALFORMED;
    return NEVER;
  }
  kindAhead = kind;
  return bytes;
}

/** Puts right the `length` bytes at `to` that were copied from byte `from` of the base. */
export function correct(to: i32, from: i32, length: i32): void {
  const shift = to - TARGET - from;
  let place = ahead;
  while (place < length) {
    if (kindAhead === FORETOLD && place <= length - 4) {
      place = correctForetold(to, from, place, length - 4, shift);
      continue;
    }
    const left = smaller(length - place, 4);
    const old = lowest(load32(to + place), left);
    const change = kindAhead === FORETOLD ? foretold(from + place, old, shift) : takeOther(old);
    note(from + place, old, change, shift);
    if (left === 4) store32(to + place, old + change);
    else for (let i = 0; i < left; i++) store8(to + place + i, (old + change) >> (8 * i));
    place += left + takeToken();
  }
  ahead = place - length;
}

/** Does so for foretold numbers up to `last`. Returns the place of the one that follows these. */
function correctForetold(to: i32, from: i32, place: i32, last: i32, shift: i32): i32 {
  let at = place;
  let next = token;
  while (at <= last) {
    const old = load32(to + at);
    const change = foretold(from + at, old, shift);
    note(from + at, old, change, shift);
    store32(to + at, old + change);
    const value = next < tokenEnd ? load8(next) : LONG_GAP;
    if (value >= LONG_GAP) {
      token = next;
      return at + 4 + takeToken();
    }
    next++;
    at += 4 + value;
  }
  token = next;
  return at;
}

/** Reads a number that is not foretold. */
function takeOther(old: i32): i32 {
  if (kindAhead === OFFSET) return load32(absolute(old));
  if (kindAhead < EXPLICIT) return load32(RECENTS + 4 * (kindAhead - RECENT));
  const highBytes = kindAhead - EXPLICIT;
  if (low >= lowEnd || highBytes > highEnd - high) {
    low = lowEnd + 1;
    return 0;
  }
  let change = load8(low++);
  for (let i = 1; i <= highBytes; i++) change |= load8(high++) << (8 * i);
  change = signed(change, highBytes + 1);
  remember(change);
  return change;
}
