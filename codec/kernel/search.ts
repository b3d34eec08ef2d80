/*
 * The search for what the target shares with the base.
 *
 * The base is indexed at every STRIDE-th byte by a hash of WINDOW bytes, around the expected place first and wholly
 * only once the target turns out to have moved further. The target is scanned once. At each position the current
 * diagonal (the base goes on where the last COPY ended) is tried before the table. Matches extend both ways: forwards
 * they consume the target, backwards pending literals, and a rejected candidate costs a few comparisons. So
 * the work is linear in base and target for every input.
 */

import { instructionCount, pushInstruction, pushOrProlong } from './instruction-list.ts';
import { BASE, MAX_TABLE_BITS, MAX_TARGET, PIECES, STEPS, TABLE, TARGET } from './layout.ts';
import {
  commonPrefix,
  commonSuffix,
  equal8,
  fill,
  leadingZeros,
  load8,
  load32,
  multiply,
  nextRun,
  store8,
  store32,
} from './machine.ts';
import { between, smaller } from './numbers.ts';

/** A table for the surroundings, in the first-level cache; what is far behind is overwritten. */
const LOCAL_BITS: i32 = 12;
const STRIDE: i32 = 32;
const WINDOW: i32 = 16;
/** A shorter COPY from elsewhere saves too little to be worth its instruction; from FAR away that takes more bytes. */
const MIN_MATCH: i32 = 24;
const MIN_FAR_MATCH: i32 = 48;
const FAR: i32 = 1 << 14;
/** After that many short matches the literals between them would cost more than any of them. */
const MANY_SCATTERED: i32 = 64;
/** One on the diagonal takes two or three bytes. */
const MIN_DIAGONAL: i32 = 8;
/** A match this long on the diagonal is taken without a look at the table. */
const SURE: i32 = 32;
/** Bytes of the base that are indexed in one go. */
const PIECE_BITS: i32 = 14;
/** A match found elsewhere that is shorter means that content moved in small parts. */
const SCATTERED: i32 = 256;

/** The primes of xxHash, as signed numbers. */
const PRIME_1: i32 = -1640531535;
const PRIME_2: i32 = -2048144777;
const PRIME_3: i32 = -1028477379;
const PRIME_4: i32 = 668265263;
const PRIME_5: i32 = 374761393;

let baseSize: i32 = 0;
/** Address of the whole base's first byte, if it were in memory. */
let origin: i32 = 0;
/** Slots of the table in use, none at first, and of the one that the whole base needs; as powers of 2. */
let bits: i32 = 0;
let wholeBits: i32 = 0;
let shift: i32 = 0;
let wholly: boolean = false;

let indexed: i32 = 0;

/**
 * Adds the instructions for the target at TARGET from the base at BASE, whose first byte is byte `baseFrom` of the whole
 * base, to those that there are. The last one ends the target. Returns the number of all. Leaves at STEPS how many
 * positions were tried, places indexed and vectors compared: its work, without a clock.
 */
export function search(base: i32, target: i32, baseFrom: i32): i32 {
  origin = BASE - baseFrom;
  baseSize = base;
  indexed = 0;
  wholly = false;
  wholeBits = between(LOCAL_BITS, 32 - leadingZeros((base - 1) >> 4), MAX_TABLE_BITS);
  bits = 0;
  fill(PIECES, 0, (base >> PIECE_BITS) + 1);

  const end = TARGET + target;
  const baseEnd = BASE + base;
  let at = TARGET;
  let anchor = TARGET;
  // Where the base would go on if the target did, as a difference of addresses.
  let diagonal = BASE - TARGET + startOf(base, target);
  // The last other diagonal: content often goes on there after a piece from elsewhere.
  let formerDiagonal = diagonal;
  let widenAt = 0;
  let tried = 0;
  let compared = 0;
  let scattered = 0;
  while (at + WINDOW <= end) {
    tried++;
    let from = at + diagonal;
    let matched = 0;
    if (from >= BASE && from + MIN_DIAGONAL <= baseEnd && equal8(at, from)) {
      matched = 8 + commonPrefix(at + 8, from + 8, smaller(end - at, baseEnd - from) - 8);
    }
    compared += matched;
    const pending = at - anchor;
    if (matched === 0 && pending === 0 && from >= BASE && from + 64 <= baseEnd && at + 64 <= end) {
      const run = nextRun(at, from);
      if (run > 0) {
        from += run;
        at += run;
        matched = 8 + commonPrefix(at + 8, from + 8, smaller(end - at, baseEnd - from) - 8);
        pushInstruction(run, from - origin, matched);
        at += matched;
        anchor = at;
        continue;
      }
    }
    if (matched < SURE) {
      if (pending >= widenAt && !wholly) widenAt = widen(at + diagonal - BASE, pending);
      let candidate = at + formerDiagonal;
      if (candidate < BASE || candidate + 16 > baseEnd || !equal8(at, candidate) || !equal8(at + 8, candidate + 8)) {
        candidate = find(at);
      }
      if (candidate > 0 && candidate !== from) {
        const forward = commonPrefix(at, candidate, smaller(end - at, baseEnd - candidate));
        const back = commonSuffix(at, candidate, smaller(pending, candidate - BASE));
        compared += forward + back;
        if (forward > matched + 8 && forward + back >= leastMatch(candidate - from, scattered)) {
          from = candidate;
          matched = forward;
          if (forward + back < SCATTERED) {
            scattered++;
            const radius = scattered > MANY_SCATTERED ? base : 1 << (PIECE_BITS + (scattered >> 3));
            useTable(wholeBits);
            indexPieces(candidate - BASE - radius, candidate - BASE + radius);
          }
        }
      }
    }
    if (matched > 0) {
      const back = commonSuffix(at, from, smaller(at - anchor, from - BASE));
      pushOrProlong(at - back - anchor, from - back - origin, back + matched);
      at += matched;
      anchor = at;
      if (from + matched - at !== diagonal) {
        formerDiagonal = diagonal;
        diagonal = from + matched - at;
      }
      widenAt = 0;
    } else {
      at += step(at - anchor);
    }
  }
  if (anchor < end || instructionCount === 0) pushInstruction(end - anchor, 0, 0);
  store32(STEPS, tried + indexed + (compared >> 4));
  return instructionCount;
}

function leastMatch(distance: i32, scattered: i32): i32 {
  return scattered > MANY_SCATTERED || (distance < FAR && distance > -FAR) ? MIN_MATCH : MIN_FAR_MATCH;
}

/** Odd steps are coprime to STRIDE: a match of 31 * STRIDE + WINDOW bytes is still met at an indexed place. */
function step(pending: i32): i32 {
  if (pending < 256) return 1;
  if (pending < 4096) return pending < 1024 ? 3 : 5;
  return pending < 65536 ? 9 : 31;
}

/** Where in the base the target most likely starts: at its start, or after a neighbouring block. */
function startOf(base: i32, target: i32): i32 {
  if (base <= MAX_TARGET) return 0;
  const here = commonPrefix(TARGET, BASE, smaller(base, target));
  const next = commonPrefix(TARGET, BASE + MAX_TARGET, smaller(base - MAX_TARGET, target));
  return here > next ? 0 : MAX_TARGET;
}

/** Indexes more of the base the longer nothing was found; returns how many pending bytes are the next occasion. */
function widen(around: i32, pending: i32): i32 {
  const radius = pending < 512 ? 1 << PIECE_BITS : pending < 2048 ? 1 << 17 : baseSize;
  useTable(pending < 512 && bits <= LOCAL_BITS ? LOCAL_BITS : wholeBits);
  indexPieces(around - radius, around + radius);
  if (pending < 512 && baseSize > MAX_TARGET) indexPieces(0, 1 << PIECE_BITS);
  return pending < 512 ? 512 : 2048;
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
function find(at: i32): i32 {
  const hash = hashAt(at);
  const entry = load32(TABLE + ((hash >>> shift) << 2));
  if ((entry ^ (hash << 20)) >>> 20 !== 0 || entry === 0) return 0;
  const place = (entry & 0xfffff) - 1;
  return place < 0 ? 0 : BASE + place * STRIDE;
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
