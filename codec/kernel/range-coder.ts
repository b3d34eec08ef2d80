/*
 * An adaptive binary range coder: what is small is coded without tables, each bit with a probability that its context
 * has learnt. Bytes and the digits of numbers go through a binary tree of 255 nodes per context.
 *
 * A node holds the probability of a 1 in 15 bits (shifted by 8) and how often it was visited, up to a limit, so that it
 * learns fast at first. Bytes go out once low and high agree in them, so carries cannot occur.
 */
import { CONTEXTS, MODELS, RATES, SAVED_MODELS } from './layout.ts';
import { copy, load8, load32, multiply, store8, store32 } from './machine.ts';

const HALF: i32 = 1 << 14;
const ONE: i32 = 1 << 15;
/** Keeps every symbol possible. */
const LEAST: i32 = 24;
/** A node's rate stays at 1 / (SLOWEST + 1.5) from then on. */
const SLOWEST: i32 = 30;

let low: u32 = 0;
let high: u32 = 0;
let code: u32 = 0;
let at: i32 = 0;
let start: i32 = 0;
let end: i32 = 0;

let savedLow: u32 = 0;
let savedHigh: u32 = 0;
let savedAt: i32 = 0;

function reset(from: i32, bytes: i32): void {
  for (let i = 0; i < CONTEXTS * 1024; i += 4) store32(MODELS + i, HALF << 8);
  for (let visits = 0; visits <= SLOWEST; visits++) store32(RATES + 4 * visits, (131072 / (2 * visits + 3)) | 0);
  low = 0;
  high = 0xffffffff;
  start = from;
  at = from;
  end = from + bytes;
}

/** Encodes to `to`; when that takes more than `bytes`, the rest is dropped but counted. */
export function startEncoding(to: i32, bytes: i32): void {
  reset(to, bytes);
}

export function startDecoding(from: i32, bytes: i32): void {
  reset(from, bytes);
  code = 0;
  for (let i = 0; i < 4; i++) code = shiftIn(code);
}

/** Remembers the coder's place and what `context` and the next one have learnt, for `restore`. */
export function save(context: i32): void {
  savedLow = low;
  savedHigh = high;
  savedAt = at;
  copy(SAVED_MODELS, MODELS + context * 1024, 2048);
}

/** Forgets what was encoded since `save`. Other contexts used since keep what they learnt: do not use them again. */
export function restore(context: i32): void {
  low = savedLow;
  high = savedHigh;
  at = savedAt;
  copy(MODELS + context * 1024, SAVED_MODELS, 2048);
}

export function encodedBytes(): i32 {
  return at - start;
}

/** Writes the fewest bytes that select the interval (the decoder reads zeros past the end) and returns how many in all. */
export function finishEncoding(): i32 {
  // The decoder is never more than 4 bytes ahead of that, which is what `overran` allows past the end.
  const least = at;
  if (low > 0) {
    const top: u32 = ((low + 0xffffff) >>> 24) as u32;
    if ((top << 24) >>> 0 >= low && top <= high >>> 24) out(top);
    else for (let shift = 24; shift >= 0; shift -= 8) out((low >>> shift) as i32);
  }
  while (at > least && at <= end && load8(at - 1) === 0) at--;
  return at - start;
}

/** Whether the decoder took in more than there was, beyond the zeros that an encoder leaves out. */
export function overran(): boolean {
  return at > end + 4;
}

function out(byte: i32): void {
  if (at < end) store8(at, byte);
  at++;
}

function shiftIn(value: u32): u32 {
  const byte: u32 = (at < end ? load8(at) : 0) as u32;
  at++;
  return ((value << 8) | byte) >>> 0;
}

/** A node after a bit. */
function learnt(state: i32, bit: i32): i32 {
  const p = state >> 8;
  const visits = state & 255;
  const goal = bit ? ONE - LEAST : LEAST;
  const next = p + (multiply(goal - p, load32(RATES + 4 * visits)) >> 16);
  return (next << 8) | (visits < SLOWEST ? visits + 1 : visits);
}

export function encodeByte(context: i32, byte: i32): void {
  const tree = MODELS + context * 1024;
  let lower = low;
  let upper = high;
  let node = 1;
  for (let shift = 7; shift >= 0; shift--) {
    const bit = (byte >> shift) & 1;
    const state = load32(tree + 4 * node);
    const middle: u32 = (lower + ((upper - lower) >>> 15) * ((state >> 8) as u32)) >>> 0;
    if (bit) upper = middle;
    else lower = (middle + 1) >>> 0;
    store32(tree + 4 * node, learnt(state, bit));
    while ((lower ^ upper) >>> 24 === 0) {
      out((upper >>> 24) as i32);
      lower = (lower << 8) >>> 0;
      upper = ((upper << 8) | 255) >>> 0;
    }
    node = 2 * node + bit;
  }
  low = lower;
  high = upper;
}

export function decodeByte(context: i32): i32 {
  const tree = MODELS + context * 1024;
  let lower = low;
  let upper = high;
  let value = code;
  let node = 1;
  while (node < 256) {
    const state = load32(tree + 4 * node);
    const middle: u32 = (lower + ((upper - lower) >>> 15) * ((state >> 8) as u32)) >>> 0;
    const bit: i32 = value <= middle ? 1 : 0;
    if (bit) upper = middle;
    else lower = (middle + 1) >>> 0;
    store32(tree + 4 * node, learnt(state, bit));
    while ((lower ^ upper) >>> 24 === 0) {
      value = shiftIn(value);
      lower = (lower << 8) >>> 0;
      upper = ((upper << 8) | 255) >>> 0;
    }
    node = 2 * node + bit;
  }
  low = lower;
  high = upper;
  code = value;
  return node - 256;
}

/** A number below 2^28, 7 bits at a time from the lowest; the first digit in `context`, further ones in the next. */
export function encodeNumber(context: i32, value: i32): void {
  let digit = context;
  let rest = value;
  while (rest > 127) {
    encodeByte(digit, (rest & 127) | 128);
    digit = context + 1;
    rest >>= 7;
  }
  encodeByte(digit, rest);
}

/** Reverses `encodeNumber`; -1 for more than 28 bits. */
export function decodeNumber(context: i32): i32 {
  let digit = context;
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = decodeByte(digit);
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
    digit = context + 1;
  }
  return -1;
}
