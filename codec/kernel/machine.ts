/*
 * What the kernel asks of the machine, in plain TypeScript over one ArrayBuffer. The WebAssembly build puts
 * codec/assembly/machine.ts in this file's place: the same functions on SIMD instructions.
 */

let bytes = new Uint8Array(0);
let view = new DataView(bytes.buffer);

/** Lets the kernel work in `memory`. */
export function useMemory(memory: ArrayBuffer): void {
  bytes = new Uint8Array(memory);
  view = new DataView(memory);
}

export function load8(at: i32): i32 {
  return bytes[at]!;
}

export function load16(at: i32): i32 {
  return view.getUint16(at, true);
}

export function load32(at: i32): i32 {
  return view.getInt32(at, true);
}

export function store8(at: i32, value: i32): void {
  bytes[at] = value;
}

export function store16(at: i32, value: i32): void {
  view.setUint16(at, value, true);
}

export function store32(at: i32, value: i32): void {
  view.setInt32(at, value, true);
}

/** Low 32 bits of the product. */
export function multiply(a: i32, b: i32): i32 {
  return Math.imul(a, b);
}

/** Number of leading zero bits; 32 for 0. */
export function leadingZeros(value: i32): i32 {
  return Math.clz32(value);
}

export function copy(to: i32, from: i32, length: i32): void {
  bytes.copyWithin(to, from, from + length);
}

/** `copy`, which may write beyond the end on SIMD, where that must not be. */
export function copyExactly(to: i32, from: i32, length: i32): void {
  bytes.copyWithin(to, from, from + length);
}

export function fill(at: i32, value: i32, length: i32): void {
  bytes.fill(value, at, at + length);
}

export function equal8(a: i32, b: i32): boolean {
  return view.getInt32(a, true) === view.getInt32(b, true) && view.getInt32(a + 4, true) === view.getInt32(b + 4, true);
}

/** The first offset from `first` to `last` at which the 8 bytes at `a` are those at `b`; above `last` when at none. */
export function nextEqual8(a: i32, b: i32, first: i32, last: i32): i32 {
  let offset = first;
  while (offset <= last && !equal8(a + offset, b)) offset++;
  return offset;
}

/** How many of the `limit` bytes from `a` and from `b` are equal before the first difference. */
export function commonPrefix(a: i32, b: i32, limit: i32): i32 {
  let length = 0;
  while (length + 4 <= limit && view.getInt32(a + length, true) === view.getInt32(b + length, true)) length += 4;
  while (length < limit && bytes[a + length] === bytes[b + length]) length++;
  return length;
}

/** How many of the `limit` bytes before `a` and before `b` are equal, counted backwards to the first difference. */
export function commonSuffix(a: i32, b: i32, limit: i32): i32 {
  let length = 0;
  while (length < limit && bytes[a - length - 1] === bytes[b - length - 1]) length++;
  return length;
}

/** The first address from `at` to `end` that holds the byte; `end` when none does. */
export function indexOfByte(at: i32, end: i32, byte: i32): i32 {
  const found = bytes.subarray(at, end).indexOf(byte);
  return found < 0 ? end : at + found;
}

/** Where, among the first 56 offsets, 8 bytes from `a` and from `b` are equal; -1 when nowhere. Reads 64 bytes of each. */
export function nextRun(a: i32, b: i32): i32 {
  let run = 0;
  for (let i = 0; i < 64; i++) {
    run = bytes[a + i] === bytes[b + i] ? run + 1 : 0;
    if (run === 8) return i - 7;
  }
  return -1;
}

/** How many of the 32 bytes from `a` and from `b` are equal. */
export function equalBytes(a: i32, b: i32): i32 {
  let equal = 0;
  for (let i = 0; i < 32; i++) equal += bytes[a + i] === bytes[b + i] ? 1 : 0;
  return equal;
}

/** The first address from `low` to `high` from which the most of 32 bytes equal those from `a`. */
export function mostEqual(a: i32, low: i32, high: i32): i32 {
  let most = -1;
  let best = low;
  for (let b = low; b <= high; b++) {
    const equal = equalBytes(a, b);
    if (equal <= most) continue;
    most = equal;
    best = b;
  }
  return best;
}

/** Sum of bytes[i] * factor^(length - 1 - i) modulo 2^32. `length` is a multiple of 64, `factor` below 2^15. */
export function polynomial(at: i32, length: i32, factor: i32): i32 {
  let sum = 0;
  for (let i = 0; i < length; i++) sum = (Math.imul(sum, factor) + bytes[at + i]!) | 0;
  return sum;
}

/**
 * NH of UMAC (RFC 4418): in each 32 bytes the 4-byte words i and i + 4, each plus its word of the key, are multiplied;
 * stores the sum of the products modulo 2^64 at `to`. `length` is a multiple of 64.
 */
export function multiplyHash(at: i32, key: i32, length: i32, to: i32): void {
  let low = 0;
  let high = 0;
  for (let group = 0; group < length; group += 32) {
    for (let i = group; i < group + 16; i += 4) {
      const a = (view.getInt32(at + i, true) + view.getInt32(key + i, true)) >>> 0;
      const b = (view.getInt32(at + i + 16, true) + view.getInt32(key + i + 16, true)) >>> 0;
      const productLow = Math.imul(a, b) >>> 0;
      const middle = (a >>> 16) * (b & 0xffff) + (((a & 0xffff) * (b & 0xffff)) >>> 16);
      const other = (a & 0xffff) * (b >>> 16) + (middle % 0x10000);
      const productHigh = (a >>> 16) * (b >>> 16) + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000);
      low += productLow;
      high = (high + productHigh + (low > 0xffffffff ? 1 : 0)) | 0;
      low >>>= 0;
    }
  }
  view.setInt32(to, low, true);
  view.setInt32(to + 4, high, true);
}
