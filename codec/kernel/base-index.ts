/*
 * Where the base has some bytes: a hash of WINDOW bytes at every STRIDE-th one, around the expected place first and of
 * all of the base only once the target turns out to have moved further.
 */
import { BASE, MAX_TABLE_BITS, MAX_TARGET, PIECE_BITS, PIECES, TABLE } from './layout.ts';
import { commonPrefix, fill, leadingZeros, load8, load32, multiply, store8, store32 } from './machine.ts';
import { between, larger, smaller } from './numbers.ts';

/** Bytes that a match found through the table has at least. */
export const WINDOW: i32 = 16;
const STRIDE: i32 = 32;
/** The same for content that moved as a whole, and its least bytes. */
const SPARSE_STRIDE: i32 = 1024;
const MIN_MOVED: i32 = 1024;
/** Bytes without a match, short ones aside, after which more surroundings are indexed, all of the base, and its lines. */
export const SOME_PENDING: i32 = 512;
export const MUCH_PENDING: i32 = 2048;
export const VERY_MUCH_PENDING: i32 = 4096;
/** A table for the surroundings, in the first-level cache; what is far behind is overwritten. */
const LOCAL_BITS: i32 = 12;

/** The primes of xxHash, as signed numbers. */
const PRIME_1: i32 = -1640531535;
const PRIME_2: i32 = -2048144777;
const PRIME_3: i32 = -1028477379;
const PRIME_4: i32 = 668265263;
const PRIME_5: i32 = 374761393;

/** Tries that any content warrants; further ones for each scanned byte, as a negative power of 2. A copied byte warrants one. */
const MOST_TRIES: i32 = 1 << 17;
const TRIES_PER_BYTE: i32 = 5;

let baseSize: i32 = 0;
/** Slots of the table in use, none at first, and of the one that the whole base needs; as powers of 2. */
let bits: i32 = 0;
let wholeBits: i32 = 0;
let shift: i32 = 0;
let wholly: boolean = false;
let sparsely: boolean = false;

/** Places of the base that were put in the table, or looked for in vain when content might have moved. */
export let indexed: i32 = 0;

export function startIndex(base: i32): void {
  baseSize = base;
  indexed = 0;
  wholly = false;
  sparsely = false;
  wholeBits = between(LOCAL_BITS, 32 - leadingZeros((base - 1) >> 4), MAX_TABLE_BITS);
  bits = 0;
  fill(PIECES, 0, (base >> PIECE_BITS) + 1);
}

/** Indexes more of the base around the expected place the more bytes were lost. Returns how many are the next occasion. */
export function widen(around: i32, lost: i32): i32 {
  if (wholly) return lost < VERY_MUCH_PENDING ? VERY_MUCH_PENDING : lost + MAX_TARGET;
  useTable(lost < SOME_PENDING && bits <= LOCAL_BITS ? LOCAL_BITS : wholeBits);
  const radius = lost < SOME_PENDING ? 1 << PIECE_BITS : 1 << 17;
  if (lost < MUCH_PENDING) indexPieces(around - radius, around + radius);
  else indexPieces(0, baseSize);
  if (lost < SOME_PENDING && baseSize > MAX_TARGET) indexPieces(0, 1 << PIECE_BITS);
  return lost < SOME_PENDING ? SOME_PENDING : MUCH_PENDING;
}

/**
 * Looks for content that moved as a whole, for which a few places of the base are enough: a thirtieth of the time that
 * indexing all of it takes. Returns how many bytes from `at` on, of which `left` are in the target, `find` meets some,
 * or -1; also when all of the base is indexed.
 */
export function findMoved(at: i32, left: i32): i32 {
  if (wholly) return -1;
  if (!sparsely) {
    sparsely = true;
    useTable(wholeBits);
    for (let place = 0; place <= baseSize - WINDOW; place += SPARSE_STRIDE) insert(place);
    indexed += (baseSize / SPARSE_STRIDE) | 0;
  }
  const stop = smaller(SPARSE_STRIDE, left - MIN_MOVED);
  for (let skipped = 0; skipped < stop; skipped++) {
    const place = find(at + skipped);
    if (place === 0 || place + MIN_MOVED > BASE + baseSize) continue;
    if (commonPrefix(at + skipped, place, MIN_MOVED) === MIN_MOVED) return skipped;
  }
  indexed += larger(0, stop);
  return -1;
}

/** Indexes the base this far around a place. */
export function indexAround(place: i32, radius: i32): void {
  useTable(wholeBits);
  indexPieces(place - radius, place + radius);
}

/** Makes it a table of 2^wanted slots, with the pieces of the base that the former one had. */
function useTable(wanted: i32): void {
  if (bits === wanted) return;
  bits = wanted;
  shift = 32 - bits;
  fill(TABLE, 0, 4 << bits);
  for (let piece = 0; piece << PIECE_BITS < baseSize; piece++) if (load8(PIECES + piece)) indexPiece(piece);
}

/** Indexes the pieces of the base that the range touches, those not yet indexed. */
function indexPieces(from: i32, to: i32): void {
  if (wholly) return;
  const first = from < 0 ? 0 : from >> PIECE_BITS;
  const last = smaller(to, baseSize) >> PIECE_BITS;
  if (from <= 0 && to >= baseSize) wholly = true;
  for (let piece = first; piece <= last; piece++) {
    if (load8(PIECES + piece)) continue;
    store8(PIECES + piece, 1);
    indexPiece(piece);
  }
}

function indexPiece(piece: i32): void {
  const start = piece << PIECE_BITS;
  const stop = smaller(start + (1 << PIECE_BITS), baseSize - WINDOW + 1);
  for (let place = start; place < stop; place += STRIDE) insert(place);
  indexed += 1 << (PIECE_BITS - 5);
}

/** An entry: 12 bits of the hash as a tag, and 1 + the number of the place in 20 bits. */
function insert(place: i32): void {
  const hash = hashAt(BASE + place);
  store32(TABLE + ((hash >>> shift) << 2), (hash << 20) | (place / STRIDE + 1));
}

/** Address of a place of the base that may hold the bytes at `at`, or 0. */
export function find(at: i32): i32 {
  const hash = hashAt(at);
  const entry = load32(TABLE + ((hash >>> shift) << 2));
  if ((entry ^ (hash << 20)) >>> 20 !== 0 || entry === 0) return 0;
  const place = (entry & 0xfffff) - 1;
  return place < 0 ? 0 : BASE + place * STRIDE;
}

/**
 * Bytes from one try to the next after `pending` bytes without a match. Odd steps are coprime to STRIDE: a match of
 * 31 * STRIDE + WINDOW bytes is still met at an indexed place. Once there were more tries than the bytes that were
 * scanned and copied so far warrant, they get longer, and may miss more: what is made of short matches must not cost
 * one for each byte.
 */
export function step(pending: i32, tries: i32, scanned: i32, copied: i32): i32 {
  if (pending > 4096) return pending < 65536 ? 9 : 31;
  const beyond = tries - MOST_TRIES - (scanned >> TRIES_PER_BYTE) - copied;
  const hurried = beyond > 0 ? 1 + 2 * smaller(beyond >> 13, 31) : 1;
  return pending < 256 ? hurried : larger(hurried, pending < 1024 ? 3 : 5);
}

/** Multiplicative hash of WINDOW bytes. */
function hashAt(at: i32): i32 {
  const sum =
    multiply(load32(at), PRIME_1) ^
    multiply(load32(at + 4), PRIME_2) ^
    multiply(load32(at + 8), PRIME_3) ^
    multiply(load32(at + 12), PRIME_4);
  return multiply(sum ^ (sum >>> 15), PRIME_5);
}
