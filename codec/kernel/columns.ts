/*
 * Columns of numbers below 2^28, as three streams: small numbers are mostly alike, of large ones only the size is, and
 * sometimes the lowest byte, as where records have a fixed length.
 *
 *   tokens  a stream for each column: a number below CLASSES; else CLASSES + 2 * (its bits - 8) + its second highest bit
 *   lows    the bits below the two highest of such a number, or the lowest 8 of them
 *   bits    those above the lowest 8, from the lowest on
 *
 * Lows and bits of all columns are in the order in which the numbers are written.
 */
import { streamAt } from './layout.ts';
import { leadingZeros, load8, load32, store8, store32 } from './machine.ts';
import { smaller } from './numbers.ts';
import { readStream, writeStream } from './stream.ts';

const CLASSES: i32 = 192;
const MOST_BITS: i32 = 28;

/** Contexts of the two streams that the columns share. */
const LOWS: i32 = 24;
const BITS: i32 = 25;

const lowStream: i32 = streamAt(8);
const bitStream: i32 = streamAt(9);

let low: i32 = 0;
let lowEnd: i32 = 0;
/** The next bit in the stream of bits, and how many there are. */
let bit: i32 = 0;
let bitEnd: i32 = 0;

export function startColumns(): void {
  low = lowStream;
  bit = 0;
  store32(bitStream, 0);
}

/** Adds the number to the column whose next token goes to `token`. */
export function putInColumn(token: i32, value: i32): void {
  if (value < CLASSES) {
    store8(token, value);
    return;
  }
  const size = 32 - leadingZeros(value);
  store8(token, CLASSES + 2 * (size - 8) + ((value >> (size - 2)) & 1));
  store8(low++, value & ((1 << smaller(8, size - 2)) - 1));
  if (size <= 10) return;
  const place = bitStream + (bit >> 3);
  store32(place, load8(place) | (((value >> 8) & ((1 << (size - 10)) - 1)) << (bit & 7)));
  bit += size - 10;
}

/** Writes what the columns share. */
export function finishColumns(): void {
  writeStream(lowStream, low - lowStream, LOWS);
  writeStream(bitStream, (bit + 7) >> 3, BITS);
}

/** Reads what columns of so many numbers in all share. Returns false when it is malformed. */
export function openColumns(numbers: i32): boolean {
  const lows = readStream(lowStream, numbers, LOWS);
  const bytes = readStream(bitStream, ((numbers * (MOST_BITS - 10)) >> 3) + 1, BITS);
  low = lowStream;
  lowEnd = lowStream + lows;
  bit = 0;
  bitEnd = 8 * bytes;
  return lows >= 0 && bytes >= 0;
}

/** The number whose token is given; -1 when there is none. */
export function takeFromColumn(token: i32): i32 {
  return token < CLASSES ? token : takeLarge(token - CLASSES);
}

function takeLarge(code: i32): i32 {
  const size = 8 + (code >> 1);
  if (size > MOST_BITS || low >= lowEnd) return -1;
  const lowest = load8(low++);
  const value = (2 | (code & 1)) << (size - 2);
  if (size <= 10) return lowest >> (size - 2) > 0 ? -1 : value | lowest;
  const count = size - 10;
  if (count > bitEnd - bit) return -1;
  const middle = (load32(bitStream + (bit >> 3)) >>> (bit & 7)) & ((1 << count) - 1);
  bit += count;
  return value | (middle << 8) | lowest;
}

/** Whether all of what the columns share was used up. */
export function columnsUsedUp(): boolean {
  return low === lowEnd && bitEnd - bit < 8;
}
