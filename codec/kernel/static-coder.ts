/*
 * tANS (the "FSE" of zstd), order 0: what is large is coded with fixed tables, about 1 ns a byte, at a fraction of a bit
 * for frequent bytes. Two states take turns, so that their latencies overlap. The encoder goes backwards through the
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

/** Scales the counts of `length` bytes to a sum of SIZE, at least 1 for each value that occurs. */
export function scaleCounts(length: i32): void {
  // Keeps the product within 31 bits.
  const shift = 32 - leadingZeros(length >> 19);
  const whole = (length >> shift) + 1;
  let sum = 0;
  for (let i = 0; i < 1024; i += 4) {
    const h = HISTOGRAMS + i;
    const count = load32(h) + load32(h + 1024) + load32(h + 2048) + load32(h + 3072);
    let scaled = (((count >> shift) << LOG) / whole) | 0;
    if (scaled === 0 && count > 0) scaled = 1;
    sum += scaled;
    store32(COUNTS + i, scaled);
  }
  // What rounding left over goes to the most frequent value; what rare values took beyond their share comes from it.
  while (sum !== SIZE) {
    let most = COUNTS;
    for (let i = 4; i < 1024; i += 4) if (load32(COUNTS + i) > load32(most)) most = COUNTS + i;
    const change = sum < SIZE ? SIZE - sum : -1;
    store32(most, load32(most) + change);
    sum += change;
  }
}

/** Whether the scaled counts save at least 1/32 of the input. */
export function isCompressible(): boolean {
  let eighths = 0;
  for (let i = 0; i < 1024; i += 4) {
    const count = load32(COUNTS + i);
    if (count > 0) eighths += count * (8 * LOG - log2Eighths(count));
  }
  return eighths < 62 * SIZE;
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
 * The last bits written are the two states, and above them a 1 that marks the end.
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
    const bits = count === 1 ? LOG : LOG - 31 + leadingZeros(count - 1);
    store32(BIT_DELTA + i, (bits << 16) - (count << bits));
    store32(STATE_DELTA + i, 2 * (total - count) + NEXT);
    total += count;
  }

  let even = SIZE;
  let odd = SIZE;
  let held = 0;
  let bits = 0;
  let at = to;
  let i = length;
  if (i & 1) {
    i--;
    const symbol = load8(from + i) << 2;
    const n = (even + load32(BIT_DELTA + symbol)) >> 16;
    held = even & ((1 << n) - 1);
    bits = n;
    even = load16(load32(STATE_DELTA + symbol) + 2 * (even >> n));
  }
  while (i > 0) {
    i -= 2;
    const second = load8(from + i + 1) << 2;
    const n = (odd + load32(BIT_DELTA + second)) >> 16;
    held |= (odd & ((1 << n) - 1)) << bits;
    bits += n;
    odd = load16(load32(STATE_DELTA + second) + 2 * (odd >> n));
    const first = load8(from + i) << 2;
    const m = (even + load32(BIT_DELTA + first)) >> 16;
    held |= (even & ((1 << m) - 1)) << bits;
    bits += m;
    even = load16(load32(STATE_DELTA + first) + 2 * (even >> m));
    store32(at, held);
    at += bits >> 3;
    held = held >>> (bits & 24);
    bits &= 7;
  }
  held |= (odd - SIZE) << bits;
  bits += LOG;
  store32(at, held);
  at += bits >> 3;
  held = held >>> (bits & 24);
  bits &= 7;
  held |= ((even - SIZE) | SIZE) << bits;
  bits += LOG + 1;
  store32(at, held);
  return at - to + ((bits + 7) >> 3);
}

/**
 * Decodes `length` bytes to `to` from the `bytes` bytes at `from`, with the scaled counts. Returns false unless the
 * input is used up exactly and both states end where an encoder starts.
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
  if (bit < 2 * LOG) return false;
  bit -= LOG;
  let even = take(from, bit) & (SIZE - 1);
  bit -= LOG;
  let odd = take(from, bit) & (SIZE - 1);
  const pairs = length & ~1;
  for (let i = 0; i < pairs; i += 2) {
    const first = load32(DECODE + 4 * even);
    const second = load32(DECODE + 4 * odd);
    const m = (first >> 8) & 255;
    const n = (second >> 8) & 255;
    store16(to + i, (first & 255) | ((second & 255) << 8));
    bit -= m + n;
    if (bit < 0) return false;
    const taken = take(from, bit);
    odd = (second >>> 16) + (taken & ((1 << n) - 1));
    even = (first >>> 16) + ((taken >>> n) & ((1 << m) - 1));
  }
  if (length & 1) {
    const entry = load32(DECODE + 4 * even);
    const n = (entry >> 8) & 255;
    store8(to + length - 1, entry);
    bit -= n;
    if (bit < 0) return false;
    even = (entry >>> 16) + (take(from, bit) & ((1 << n) - 1));
  }
  return bit === 0 && even === 0 && odd === 0;
}

/** At least 25 bits from `bit` on. */
function take(from: i32, bit: i32): i32 {
  return load32(from + (bit >> 3)) >>> (bit & 7);
}
