/*
 * codec/kernel/machine.ts on WebAssembly with SIMD. Vector loops may write up to 15 bytes past the end of what they
 * copy, add or subtract; every region of layout.ts has that much slack, and what follows is written later.
 */

/** Longer copies are left to the engine's memory.copy, which has a call's overhead. */
const SHORT = 128;

export function load8(at: i32): i32 {
  return <i32>load<u8>(at);
}

export function load16(at: i32): i32 {
  return <i32>load<u16>(at);
}

export function load32(at: i32): i32 {
  return load<i32>(at);
}

export function store8(at: i32, value: i32): void {
  store<u8>(at, <u8>value);
}

export function store16(at: i32, value: i32): void {
  store<u16>(at, <u16>value);
}

export function store32(at: i32, value: i32): void {
  store<i32>(at, value);
}

export function multiply(a: i32, b: i32): i32 {
  return a * b;
}

export function leadingZeros(value: i32): i32 {
  return clz(value);
}

export function copy(to: i32, from: i32, length: i32): void {
  if (length > SHORT) {
    memory.copy(to, from, length);
    return;
  }
  for (let i = 0; i < length; i += 16) v128.store(to + i, v128.load(from + i));
}

export function fill(at: i32, value: i32, length: i32): void {
  memory.fill(at, <u8>value, length);
}

export function equal8(a: i32, b: i32): boolean {
  return load<u64>(a) === load<u64>(b);
}

export function commonPrefix(a: i32, b: i32, limit: i32): i32 {
  let length = 0;
  while (length + 64 <= limit) {
    const p = a + length;
    const q = b + length;
    const difference = v128.or(
      v128.or(v128.xor(v128.load(p), v128.load(q)), v128.xor(v128.load(p, 16), v128.load(q, 16))),
      v128.or(v128.xor(v128.load(p, 32), v128.load(q, 32)), v128.xor(v128.load(p, 48), v128.load(q, 48))),
    );
    if (v128.any_true(difference)) break;
    length += 64;
  }
  while (length < limit) {
    const differing = ~i8x16.bitmask(i8x16.eq(v128.load(a + length), v128.load(b + length))) & 0xffff;
    if (differing) {
      length += ctz(differing);
      return length < limit ? length : limit;
    }
    length += 16;
  }
  return limit;
}

export function commonSuffix(a: i32, b: i32, limit: i32): i32 {
  let length = 0;
  while (length + 16 <= limit) {
    const equal = i8x16.bitmask(i8x16.eq(v128.load(a - length - 16), v128.load(b - length - 16)));
    const differing = ~equal << 16;
    if (differing) return length + clz(differing);
    length += 16;
  }
  while (length < limit && load<u8>(a - length - 1) === load<u8>(b - length - 1)) length++;
  return length;
}

export function subtract(to: i32, a: i32, b: i32, length: i32): void {
  for (let i = 0; i < length; i += 16) v128.store(to + i, i8x16.sub(v128.load(a + i), v128.load(b + i)));
}

export function add(to: i32, a: i32, b: i32, length: i32): void {
  for (let i = 0; i < length; i += 16) v128.store(to + i, i8x16.add(v128.load(a + i), v128.load(b + i)));
}
