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

export function fill(at: i32, value: i32, length: i32): void {
  bytes.fill(value, at, at + length);
}

export function equal8(a: i32, b: i32): boolean {
  return view.getInt32(a, true) === view.getInt32(b, true) && view.getInt32(a + 4, true) === view.getInt32(b + 4, true);
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

/** Bytewise `to = a - b` modulo 256. */
export function subtract(to: i32, a: i32, b: i32, length: i32): void {
  for (let i = 0; i < length; i++) bytes[to + i] = bytes[a + i]! - bytes[b + i]!;
}

/** Bytewise `to = a + b` modulo 256. */
export function add(to: i32, a: i32, b: i32, length: i32): void {
  for (let i = 0; i < length; i++) bytes[to + i] = bytes[a + i]! + bytes[b + i]!;
}
