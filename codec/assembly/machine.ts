/*
 * codec/kernel/machine.ts on WebAssembly with SIMD. Vector loops may write up to 15 bytes past the end of what they
 * copy; every region of layout.ts has that much slack, and what follows is written later.
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

export function copyExactly(to: i32, from: i32, length: i32): void {
  memory.copy(to, from, length);
}

export function fill(at: i32, value: i32, length: i32): void {
  memory.fill(at, <u8>value, length);
}

export function equal8(a: i32, b: i32): boolean {
  return load<u64>(a) === load<u64>(b);
}

export function nextEqual8(a: i32, b: i32, first: i32, last: i32): i32 {
  const p = i8x16.splat(load<i8>(b));
  const q = i8x16.splat(load<i8>(b + 7));
  for (let offset = first; offset <= last; offset += 16) {
    let found = i8x16.bitmask(v128.and(i8x16.eq(v128.load(a + offset), p), i8x16.eq(v128.load(a + offset + 7), q)));
    for (; found; found &= found - 1) {
      const place = offset + ctz(found);
      if (place > last) break;
      if (equal8(a + place, b)) return place;
    }
  }
  return last + 1;
}

export function commonPrefix(a: i32, b: i32, limit: i32): i32 {
  for (let length = 0; length < limit; length += 16) {
    const differing = ~i8x16.bitmask(i8x16.eq(v128.load(a + length), v128.load(b + length))) & 0xffff;
    if (differing) {
      length += ctz(differing);
      return length < limit ? length : limit;
    }
    if (length >= SHORT) length = skipEqual(a, b, length + 16, limit) - 16;
  }
  return limit;
}

/** From `length` on, 64 bytes at a time: the first multiple with a difference. */
function skipEqual(a: i32, b: i32, from: i32, limit: i32): i32 {
  let length = from;
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
  return length;
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

export function indexOfByte(at: i32, end: i32, byte: i32): i32 {
  const wanted = i8x16.splat(<i8>byte);
  for (let place = at; place < end; place += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(place), wanted));
    if (found === 0) continue;
    place += ctz(found);
    return place < end ? place : end;
  }
  return end;
}

export function nextRun(a: i32, b: i32): i32 {
  let equal =
    equalBits(a, b) |
    (equalBits(a + 16, b + 16) << 16) |
    (equalBits(a + 32, b + 32) << 32) |
    (equalBits(a + 48, b + 48) << 48);
  equal &= equal >> 1;
  equal &= equal >> 2;
  equal &= equal >> 4;
  return equal === 0 ? -1 : <i32>ctz(equal);
}

function equalBits(a: i32, b: i32): u64 {
  return <u64>i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b)));
}

export function equalBytes(a: i32, b: i32): i32 {
  return popcnt(<i32>(equalBits(a, b) | (equalBits(a + 16, b + 16) << 16)));
}

export function mostEqual(a: i32, low: i32, high: i32): i32 {
  const p = v128.load(a);
  const q = v128.load(a, 16);
  let most = -1;
  let best = low;
  for (let b = low; b <= high; b++) {
    const first = i8x16.bitmask(i8x16.eq(p, v128.load(b)));
    const equal = popcnt(first | (i8x16.bitmask(i8x16.eq(q, v128.load(b, 16))) << 16));
    if (equal <= most) continue;
    most = equal;
    best = b;
  }
  return best;
}

/** Eight sums of four lanes, 64 bytes a round, so that the multiplications do not wait for each other. */
export function polynomial(at: i32, length: i32, factor: i32): i32 {
  const coefficients = i32x4.splat((1 << 16) | factor);
  const square = factor * factor;
  const eighth = square * square * square * square;
  const round = i32x4.splat(power(eighth, 8));
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let e = a;
  let f = a;
  let g = a;
  let h = a;
  for (const end = at + length; at < end; at += 64) {
    const p = v128.load(at);
    const q = v128.load(at, 16);
    const r = v128.load(at, 32);
    const s = v128.load(at, 48);
    a = i32x4.add(i32x4.mul(a, round), i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(p), coefficients));
    b = i32x4.add(i32x4.mul(b, round), i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(p), coefficients));
    c = i32x4.add(i32x4.mul(c, round), i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(q), coefficients));
    d = i32x4.add(i32x4.mul(d, round), i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(q), coefficients));
    e = i32x4.add(i32x4.mul(e, round), i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(r), coefficients));
    f = i32x4.add(i32x4.mul(f, round), i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(r), coefficients));
    g = i32x4.add(i32x4.mul(g, round), i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(s), coefficients));
    h = i32x4.add(i32x4.mul(h, round), i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(s), coefficients));
  }
  const step = i32x4.splat(eighth);
  let sum = i32x4.add(i32x4.mul(a, step), b);
  sum = i32x4.add(i32x4.mul(sum, step), c);
  sum = i32x4.add(i32x4.mul(sum, step), d);
  sum = i32x4.add(i32x4.mul(sum, step), e);
  sum = i32x4.add(i32x4.mul(sum, step), f);
  sum = i32x4.add(i32x4.mul(sum, step), g);
  sum = i32x4.add(i32x4.mul(sum, step), h);
  const first = i32x4.extract_lane(sum, 0) * square + i32x4.extract_lane(sum, 1);
  return (first * square + i32x4.extract_lane(sum, 2)) * square + i32x4.extract_lane(sum, 3);
}

function power(base: i32, exponent: i32): i32 {
  let result = 1;
  for (let i = 0; i < exponent; i++) result *= base;
  return result;
}

export function multiplyHash(at: i32, key: i32, length: i32, to: i32): void {
  let low = i64x2.splat(0);
  let high = low;
  let otherLow = low;
  let otherHigh = low;
  for (let i = 0; i < length; i += 64) {
    const p = at + i;
    const q = key + i;
    const a = i32x4.add(v128.load(p), v128.load(q));
    const b = i32x4.add(v128.load(p, 16), v128.load(q, 16));
    low = i64x2.add(low, i64x2.extmul_low_i32x4_u(a, b));
    high = i64x2.add(high, i64x2.extmul_high_i32x4_u(a, b));
    const c = i32x4.add(v128.load(p, 32), v128.load(q, 32));
    const d = i32x4.add(v128.load(p, 48), v128.load(q, 48));
    otherLow = i64x2.add(otherLow, i64x2.extmul_low_i32x4_u(c, d));
    otherHigh = i64x2.add(otherHigh, i64x2.extmul_high_i32x4_u(c, d));
  }
  const sum = i64x2.add(i64x2.add(low, high), i64x2.add(otherLow, otherHigh));
  store<i64>(to, i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1));
}
