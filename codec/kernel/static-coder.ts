/*
 * tANS (the "FSE" of zstd), order 0: what is large is coded with fixed tables, about 1 ns a byte, at a fraction of a bit
 * for frequent bytes. Four states take turns, so that their latencies overlap. The encoder goes backwards through the
 * input, so the decoder reads the bits from the end and yields the input forwards.
 *
 * The counts, scaled to a sum of 2^LOG, travel through the range coder. See Duda, "Asymmetric numeral systems", 2013.
 */
import { CODER } from './layout.ts';
import { fill, leadingZeros, load8, load16, load32, store8, store16, store32 } from './machine.ts';
import { decodeNumber, encodeNumber } from './range-coder.ts';

const LOG: i32 = 11;
const SIZE: i32 = 1 << LOG;

/** Scaled count of each byte value, 4 bytes each. */
const COUNTS: i32 = CODER;
/** Four histograms side by side: equal bytes in a row do not wait for each other's increments. */
const HISTOGRAMS: i32 = COUNTS + 1024;
const FIRST: i32 = HISTOGRAMS + 4096;
const BIT_DELTA: i32 = FIRST + 1024;
const STATE_DELTA: i32 = BIT_DELTA + 1024;
const SPREAD: i32 = STATE_DELTA + 1024;
const NEXT: i32 = SPREAD + SIZE;
const DECODE: i32 = NEXT + 2 * SIZE;

/** Context of the scaled counts in the range coder; the next one is used as well. */
const COUNT_CONTEXT: i32 = 6;

export function clearCounts(): void {
  fill(HISTOGRAMS, 0, 4096);
}

export function countBytes(from: i32, length: i32): void {
  const quads = length & ~3;
  for (let i = 0; i < quads; i += 4) {
    const word = load32(from + i);
    countOne(HISTOGRAMS + ((word & 255) << 2));
    countOne(HISTOGRAMS + 1024 + ((word >>> 6) & 1020));
    countOne(HISTOGRAMS + 2048 + ((word >>> 14) & 1020));
    countOne(HISTOGRAMS + 3072 + ((word >>> 22) & 1020));
  }
  for (let i = quads; i < length; i++) countOne(HISTOGRAMS + (load8(from + i) << 2));
}

/** Counts these bytes alone, at least one, and scales the counts. */
export function measure(from: i32, length: i32): void {
  clearCounts();
  countBytes(from, length);
  scaleCounts(length);
}

/** Scales the counts of `length` bytes, which are not none, to a sum of SIZE, at least 1 for each value that occurs. */
export function scaleCounts(length: i32): void {
  // Keeps the product within 31 bits.
  const shift = 32 - leadingZeros(length >> 19);
  const whole = length >> shift;
  // Both ends of a value's share are rounded, so that the shares add up.
  let counted = 0;
  let end = 0;
  let sum = 0;
  for (let i = 0; i < 1024; i += 4) {
    const count = countOf(i);
    const start = end;
    counted += count;
    end = (((counted >> shift) << LOG) / whole) | 0;
    const scaled = end > start || count === 0 ? end - start : 1;
    sum += scaled;
    store32(COUNTS + i, scaled);
  }
  // What rare values took beyond their share comes from the most frequent one.
  while (sum > SIZE) {
    let most = COUNTS;
    for (let i = 4; i < 1024; i += 4) if (load32(COUNTS + i) > load32(most)) most = COUNTS + i;
    store32(most, load32(most) - 1);
    sum--;
  }
}

/** How often a value was counted, given as 4 times the value. */
function countOf(value: i32): i32 {
  const h = HISTOGRAMS + value;
  return load32(h) + load32(h + 1024) + load32(h + 2048) + load32(h + 3072);
}

/** Whether the scaled counts save at least 1/32 of `length` bytes, and more than about what they take themselves. */
export function isCompressible(length: i32): boolean {
  let values = 0;
  for (let i = 0; i < 1024; i += 4) if (load32(COUNTS + i) > 0) values++;
  const saved = 64 - codedEighths();
  return saved > 1 && (length * saved) >> 6 > values;
}

/** Eighths of a bit that one of the counted bytes takes with the scaled counts. */
export function codedEighths(): i32 {
  let eighths = 0;
  let bytes = 0;
  for (let i = 0; i < 1024; i += 4) {
    const count = countOf(i);
    if (count === 0) continue;
    eighths += count * (8 * LOG - log2Eighths(load32(COUNTS + i)));
    bytes += count;
  }
  return (eighths / bytes) | 0;
}

function countOne(at: i32): void {
  store32(at, load32(at) + 1);
}

/** log2 of a number in eighths, rounded down. */
function log2Eighths(value: i32): i32 {
  const whole = 31 - leadingZeros(value);
  const mantissa = whole >= 3 ? (value >> (whole - 3)) & 7 : (value << (3 - whole)) & 7;
  return 8 * whole + mantissa;
}

/** Sends the scaled counts: each value's count, runs of zeros as a zero and the run's length. */
export function encodeCounts(): void {
  let zeros = 0;
  for (let i = 0; i < 1024; i += 4) {
    const count = load32(COUNTS + i);
    if (count === 0) {
      zeros++;
      continue;
    }
    flushZeros(zeros);
    zeros = 0;
    encodeNumber(COUNT_CONTEXT, count);
  }
  flushZeros(zeros);
}

function flushZeros(zeros: i32): void {
  if (zeros === 0) return;
  encodeNumber(COUNT_CONTEXT, 0);
  encodeNumber(COUNT_CONTEXT + 2, zeros);
}

/** Reads the scaled counts. Returns false when they do not sum up to SIZE over 256 values. */
export function decodeCounts(): boolean {
  let sum = 0;
  let i = 0;
  while (i < 1024) {
    const count = decodeNumber(COUNT_CONTEXT);
    if (count < 0 || count > SIZE - sum) return false;
    if (count > 0) {
      store32(COUNTS + i, count);
      sum += count;
      i += 4;
      continue;
    }
    const zeros = decodeNumber(COUNT_CONTEXT + 2);
    if (zeros <= 0 || zeros > (1024 - i) >> 2) return false;
    fill(COUNTS + i, 0, 4 * zeros);
    i += 4 * zeros;
  }
  return sum === SIZE;
}

/** Deals the states out to the values: value of each state in SPREAD, first state of each value in FIRST. */
function spread(): void {
  const step = (SIZE >> 1) + (SIZE >> 3) + 3;
  let at = 0;
  let first = 0;
  for (let value = 0; value < 256; value++) {
    const count = load32(COUNTS + 4 * value);
    store32(FIRST + 4 * value, first);
    first += count;
    for (let i = 0; i < count; i++) {
      store8(SPREAD + at, value);
      at = (at + step) & (SIZE - 1);
    }
  }
}

/**
 * Encodes the input with the scaled counts to `to`. Returns the number of bytes.
 *
 * The last bits written are the states, and above them a 1 that marks the end.
 */
export function encodeStatic(from: i32, length: i32, to: i32): i32 {
  spread();
  for (let state = 0; state < SIZE; state++) {
    const first = FIRST + (load8(SPREAD + state) << 2);
    const slot = load32(first);
    store16(NEXT + 2 * slot, SIZE + state);
    store32(first, slot + 1);
  }
  let total = 0;
  for (let i = 0; i < 1024; i += 4) {
    const count = load32(COUNTS + i);
    if (count === 0) continue;
    const most = count === 1 ? LOG : LOG - 31 + leadingZeros(count - 1);
    store32(BIT_DELTA + i, (most << 16) - (count << most));
    store32(STATE_DELTA + i, 2 * (total - count) + NEXT);
    total += count;
  }

  held = 0;
  bits = 0;
  at = to;
  let first = SIZE;
  let second = SIZE;
  let third = SIZE;
  let fourth = SIZE;
  let i = length & ~3;
  if (length - i > 2) third = encodeOne(third, load8(from + i + 2) << 2);
  if (length - i > 1) second = encodeOne(second, load8(from + i + 1) << 2);
  flush();
  if (length - i > 0) first = encodeOne(first, load8(from + i) << 2);
  flush();
  while (i > 0) {
    i -= 4;
    fourth = encodeOne(fourth, load8(from + i + 3) << 2);
    third = encodeOne(third, load8(from + i + 2) << 2);
    flush();
    second = encodeOne(second, load8(from + i + 1) << 2);
    first = encodeOne(first, load8(from + i) << 2);
    flush();
  }
  flush();
  put(fourth - SIZE, LOG);
  put(third - SIZE, LOG);
  flush();
  put(second - SIZE, LOG);
  flush();
  put(first, LOG + 1);
  flush();
  return at - to + (bits > 0 ? 1 : 0);
}

/** Bits that are not written yet, how many, and where the next ones go. */
let held: i32 = 0;
let bits: i32 = 0;
let at: i32 = 0;

function put(value: i32, count: i32): void {
  held |= value << bits;
  bits += count;
}

/** Writes all but the last 7 bits; to be called before there are more than 32. */
function flush(): void {
  store32(at, held);
  at += bits >> 3;
  held = held >>> (bits & 24);
  bits &= 7;
}

/** The state after a symbol, given as 4 times its value. */
function encodeOne(state: i32, symbol: i32): i32 {
  const count = (state + load32(BIT_DELTA + symbol)) >> 16;
  put(state & ((1 << count) - 1), count);
  return load16(load32(STATE_DELTA + symbol) + 2 * (state >> count));
}

/**
 * Decodes `length` bytes to `to` from the `bytes` bytes at `from`, with the scaled counts. Returns false unless the
 * input is used up exactly and all states end where an encoder starts.
 */
export function decodeStatic(from: i32, bytes: i32, to: i32, length: i32): boolean {
  spread();
  for (let i = 0; i < 1024; i += 4) store32(FIRST + i, load32(COUNTS + i));
  for (let state = 0; state < SIZE; state++) {
    const value = load8(SPREAD + state);
    const first = FIRST + 4 * value;
    const next = load32(first);
    store32(first, next + 1);
    const n = LOG - 31 + leadingZeros(next);
    store32(DECODE + 4 * state, (((next << n) - SIZE) << 16) | (n << 8) | value);
  }

  if (bytes === 0) return false;
  const last = load8(from + bytes - 1);
  if (last === 0) return false;
  let bit = 8 * bytes - 1 - (leadingZeros(last) - 24);
  if (bit < 4 * LOG) return false;
  let first = take(from, bit - LOG) & (SIZE - 1);
  let second = take(from, bit - 2 * LOG) & (SIZE - 1);
  let third = take(from, bit - 3 * LOG) & (SIZE - 1);
  bit -= 4 * LOG;
  let fourth = take(from, bit) & (SIZE - 1);
  const quads = length & ~3;
  for (let i = 0; i < quads; i += 4) {
    const a = load32(DECODE + 4 * first);
    const b = load32(DECODE + 4 * second);
    const c = load32(DECODE + 4 * third);
    const d = load32(DECODE + 4 * fourth);
    store32(to + i, (a & 255) | ((b & 255) << 8) | ((c & 255) << 16) | (d << 24));
    const k = (a >> 8) & 255;
    const l = (b >> 8) & 255;
    const m = (c >> 8) & 255;
    const n = (d >> 8) & 255;
    const middle = bit - k - l;
    bit = middle - m - n;
    if (bit < 0) return false;
    const upper = take(from, middle);
    const lower = take(from, bit);
    first = (a >>> 16) + ((upper >>> l) & ((1 << k) - 1));
    second = (b >>> 16) + (upper & ((1 << l) - 1));
    third = (c >>> 16) + ((lower >>> n) & ((1 << m) - 1));
    fourth = (d >>> 16) + (lower & ((1 << n) - 1));
  }
  for (let i = quads; i < length; i++) {
    const entry = load32(DECODE + 4 * first);
    const n = (entry >> 8) & 255;
    store8(to + i, entry);
    bit -= n;
    if (bit < 0) return false;
    first = second;
    second = third;
    third = (entry >>> 16) + (take(from, bit) & ((1 << n) - 1));
  }
  return bit === 0 && (first | second | third | fourth) === 0;
}

/** At least 25 bits from `bit` on. */
function take(from: i32, bit: i32): i32 {
  return load32(from + (bit >> 3)) >>> (bit & 7);
}
