/*
 * Where 8 bytes are in the surroundings of the diagonal: the base at every STRIDE-th byte, as far as REACH ahead of where
 * the target is and as far behind as the table still has it.
 */
import { BASE, DENSE, DENSE_BITS } from './layout.ts';
import { equal8, fill, load32, multiply, store32 } from './machine.ts';
import { between } from './numbers.ts';

const STRIDE: i32 = 8;
const REACH: i32 = 1 << 10;

let baseEnd: i32 = 0;
/** What is indexed, as addresses. */
let from: i32 = 0;
let to: i32 = 0;
/** Places that may still be indexed, so that jumping to and fro costs no more than going straight on. */
let most: i32 = 0;

/** Places that were indexed. */
export let denselyIndexed: i32 = 0;

export function startDense(limit: i32, targetBytes: i32): void {
  fill(DENSE, 0, 4 << DENSE_BITS);
  baseEnd = limit;
  from = 0;
  to = 0;
  most = targetBytes >> 2;
  denselyIndexed = 0;
}

/** Indexes the surroundings of a place of the base; of the former one when that is near what is indexed already. */
export function surround(place: i32, former: i32): void {
  let centre = place;
  if (place < from || place > to) {
    if (former >= from && former <= to) {
      centre = former;
    } else {
      from = between(BASE, place - REACH, baseEnd);
      to = from;
    }
  }
  const stop = between(BASE, centre + REACH, baseEnd - 8);
  for (; to < stop && denselyIndexed < most; to += STRIDE) {
    store32(slot(to), to);
    denselyIndexed++;
  }
}

/** Address of a place of the base that has the 8 bytes at `at`, or 0. */
export function findDense(at: i32): i32 {
  const place = load32(slot(at));
  return place > 0 && equal8(place, at) ? place : 0;
}

function slot(at: i32): i32 {
  const sum = multiply(load32(at), -1640531535) ^ multiply(load32(at + 4), -2048144777);
  return DENSE + ((multiply(sum ^ (sum >>> 15), 374761393) >>> (32 - DENSE_BITS)) << 2);
}
