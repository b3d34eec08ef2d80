/* Small numbers, and how a stream holds those below 2^28: as LEB128, 7 bits a byte from the lowest. */
import { load8, store8 } from './machine.ts';

/** Writes the number. Returns the place after it. */
export function putNumber(to: i32, value: i32): i32 {
  let at = to;
  let rest = value;
  while (rest > 127) {
    store8(at++, (rest & 127) | 128);
    rest >>= 7;
  }
  store8(at++, rest);
  return at;
}

/** The place after the number that `takeNumber` read last. */
export let afterNumber: i32 = 0;

/** Reads the number at `from`; -1 when it reaches `end` or 28 bits. */
export function takeNumber(from: i32, end: i32): i32 {
  const first = from < end ? load8(from) : 128;
  if (first < 128) {
    afterNumber = from + 1;
    return first;
  }
  return takeLongNumber(from, end);
}

function takeLongNumber(from: i32, end: i32): i32 {
  let value = 0;
  let at = from;
  for (let shift = 0; shift < 28 && at < end; shift += 7) {
    const byte = load8(at++);
    value |= (byte & 127) << shift;
    if (byte < 128) {
      afterNumber = at;
      return value;
    }
  }
  return -1;
}

export function smaller(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

export function larger(a: i32, b: i32): i32 {
  return a > b ? a : b;
}

/** `value`, but no less than `least` and no more than `most`. */
export function between(least: i32, value: i32, most: i32): i32 {
  return value < least ? least : smaller(value, most);
}
