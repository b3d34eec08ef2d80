/*
 * The search for what the target shares with the base.
 *
 * The target is scanned once. At each position the current diagonal (the base goes on where the last COPY ended) is tried
 * before the index. Matches extend both ways: forwards they consume the target, backwards pending literals, and a
 * rejected candidate costs a few comparisons. So the work is linear in base and target for every input.
 *
 * Once the changes on the diagonal turn out to repeat each other as numbers, as where addresses moved, the rest is left
 * to the search for approximate matches.
 */
import { aligned, gaveUp, searchAligned } from './aligned-search.ts';
import {
  find,
  findMoved,
  indexAround,
  indexed,
  MUCH_PENDING,
  startIndex,
  step,
  VERY_MUCH_PENDING,
  WINDOW,
  widen,
} from './base-index.ts';
import { denselyIndexed, findDense, startDense, surround } from './dense-index.ts';
import {
  copiedTo,
  dropLast,
  instructionCount,
  leftLiterals,
  pushInstruction,
  pushOrProlong,
} from './instruction-list.ts';
import { BASE, MAX_TARGET, MOVES, PIECE_BITS, STEPS, TARGET } from './layout.ts';
import { lined, searchLines, startLines } from './line-search.ts';
import { commonPrefix, commonSuffix, equal8, fill, load32, multiply, store32 } from './machine.ts';
import { larger, smaller } from './numbers.ts';
import {
  afterInsertion,
  goesOnSoon,
  nearby,
  REACH,
  resume,
  resumedAt,
  resumedFrom,
  resumedLength,
  startResuming,
} from './resume.ts';

/**
 * A shorter COPY from elsewhere saves too little to be worth its instruction; from FAR away that takes more bytes, fewer
 * of them in scattered content.
 */
const MIN_MATCH: i32 = 24;
const MIN_FAR_MATCH: i32 = 48;
const MIN_SCATTERED: i32 = 16;
const MIN_FAR_SCATTERED: i32 = 32;
const FAR: i32 = 1 << 14;
/** After that many short matches the literals between them would cost more than any of them. */
const MANY_SCATTERED: i32 = 64;
/** One on the diagonal takes two or three bytes. */
const MIN_DIAGONAL: i32 = 8;
/** A match this long on the diagonal is taken without a look at the table. */
const SURE: i32 = 32;
/** The diagonal is not resumed without a look at the index any more. */
const MANY_DOUBTS: i32 = 256;
/** Tries that comparing a candidate takes as long as. */
const COMPARISON: i32 = 7;
const MOST_BEFORE: i32 = 1 << 12;
/** Bytes in which so many mean that all content nearby did. */
const DENSELY: i32 = 1 << 15;
/** A match found elsewhere that is shorter means that content moved in small parts. */
const SCATTERED: i32 = 256;

/** Address of the whole base's first byte, if it were in memory. */
let origin: i32 = 0;

/** Whether the last call of `search` made COPYs that are wrong in some bytes. */
export let approximate: boolean = false;
let changes: i32 = 0;
let repeated: i32 = 0;
/** Short matches from elsewhere, where the first of the last ones began, and whether they came in quick succession. */
let scattered: i32 = 0;
let scatteredFrom: i32 = 0;
let densely: boolean = false;

/**
 * Adds the instructions for the target at TARGET from the base at BASE, whose first byte is byte `baseFrom` of the whole
 * base, to those that there are. The target most likely starts `start` bytes on. The last one ends the target. Returns
 * the number of all. Adds to STEPS how many positions were tried, places indexed and vectors compared: its work, without
 * a clock.
 */
export function search(base: i32, target: i32, baseFrom: i32, start: i32): i32 {
  approximate = false;
  if (base === 0) {
    if (target > 0 || instructionCount === 0) pushInstruction(target, 0, 0);
    return instructionCount;
  }
  origin = BASE - baseFrom;
  startIndex(base);
  startDense(BASE + base, target);
  startResuming();
  startLines(BASE + base, TARGET + target);
  changes = 0;
  repeated = 0;
  scattered = 0;
  scatteredFrom = TARGET;
  densely = false;
  fill(MOVES, 0, 256);
  const end = TARGET + target;
  const baseEnd = BASE + base;
  let at = TARGET;
  let anchor = TARGET;
  // Where the base would go on if the target did, as a difference of addresses.
  let diagonal = BASE - TARGET + start;
  // The last other diagonal: content often goes on there after a piece from elsewhere.
  let formerDiagonal = diagonal;
  let widenAt = 0;
  let tried = 0;
  let compared = 0;
  let copied = 0;
  // Grows while the diagonal is resumed for little: then another one may be better, as in a table that lost a row.
  let doubts = 0;
  // Literals, about, between short matches since the last long one that was not on the diagonal.
  let missed = 0;
  while (at + WINDOW <= end) {
    tried++;
    let from = at + diagonal;
    let matched = 0;
    if (from >= BASE && from + MIN_DIAGONAL <= baseEnd && equal8(at, from)) {
      matched = 8 + commonPrefix(at + 8, from + 8, smaller(end - at, baseEnd - from) - 8);
    }
    const pending = at - anchor;
    if (matched === 0 && pending > 0 && anchor + diagonal >= BASE) {
      matched = afterInsertion(at, anchor + diagonal, pending, end, baseEnd);
      if (matched > 0) from = anchor + diagonal;
    }
    compared += matched;
    if (
      matched === 0 &&
      pending === 0 &&
      doubts < MANY_DOUBTS &&
      from >= BASE &&
      from + REACH <= baseEnd &&
      at + REACH <= end &&
      resume(at, from, end, baseEnd)
    ) {
      const literals = resumedAt - at;
      pushOrProlong(literals, resumedFrom - origin, resumedLength);
      at = resumedAt + resumedLength;
      anchor = at;
      copied += resumedLength;
      compared += resumedLength;
      changes++;
      if (resumedFrom - resumedAt !== diagonal) {
        doubts = larger(0, doubts - resumedLength);
        formerDiagonal = diagonal;
        diagonal = resumedFrom - resumedAt;
        continue;
      }
      doubts = larger(0, doubts + 4 * literals - resumedLength);
      if (!approximate && movedAlike((load32(resumedAt - literals) - load32(resumedFrom - literals)) | 0)) {
        approximate = true;
        anchor = searchAligned(at, end, baseEnd, diagonal, origin);
        at = gaveUp ? anchor : end;
      }
      continue;
    }
    if (matched < SURE) {
      const lost = missed + pending;
      if (lost >= widenAt) {
        const skipped = lost < MUCH_PENDING ? -1 : findMoved(at, end - at);
        if (skipped > 0) {
          tried += skipped;
          at += skipped;
          continue;
        }
        if (skipped < 0 && (densely || lost >= VERY_MUCH_PENDING)) {
          densely = false;
          const stop = searchLines(anchor, diagonal, origin);
          if (stop > anchor) {
            copied += stop - anchor;
            at = stop;
            anchor = stop;
            diagonal = origin + copiedTo() - stop;
            widenAt = 0;
            continue;
          }
        }
        if (skipped < 0) widenAt = widen(at + diagonal - BASE, lost);
      }
      const candidate = candidateFor(at, at + diagonal, at + formerDiagonal, baseEnd);
      if (candidate > 0 && candidate !== from) {
        tried += COMPARISON;
        const forward = commonPrefix(at, candidate, smaller(end - at, baseEnd - candidate));
        const back = commonSuffix(at, candidate, smaller(pending, candidate - BASE));
        compared += forward + back;
        if (
          forward > matched + 8 &&
          forward + back >= leastMatch(candidate - from) &&
          (pending === 0 || forward >= SCATTERED || !goesOnSoon(at, anchor + diagonal, forward, end, baseEnd))
        ) {
          from = candidate;
          matched = forward;
          if (forward + back < SCATTERED) noteScattered(at, candidate, base);
        }
      }
    }
    if (matched > 0) {
      let back = commonSuffix(at, from, smaller(at - anchor, from - BASE));
      if (back === at - anchor && from - at !== diagonal) {
        const before = commonSuffix(anchor, from - back, mostBefore(anchor, from - back, matched));
        compared += before;
        const dropped = dropLast(before);
        anchor -= dropped + leftLiterals;
        back += dropped;
      }
      missed = matched < SCATTERED ? missed + at - back - anchor : 0;
      pushOrProlong(at - back - anchor, from - back - origin, back + matched);
      at += matched;
      anchor = at;
      copied += matched;
      doubts = larger(0, doubts - matched);
      if (from + matched - at !== diagonal) {
        formerDiagonal = diagonal;
        diagonal = from + matched - at;
      }
      widenAt = 0;
    } else {
      at += step(at - anchor, tried, at - TARGET, copied);
    }
  }
  if (anchor < end || instructionCount === 0) pushInstruction(end - anchor, 0, 0);
  const steps =
    tried + indexed + denselyIndexed + (nearby >> 2) + (approximate ? aligned : 0) + lined + (compared >> 4);
  store32(STEPS, load32(STEPS) + steps);
  return instructionCount;
}

/** Whether many of the changes so far, as differences of 4-byte numbers, were among those shortly before them. */
function movedAlike(move: i32): boolean {
  const slot = MOVES + ((multiply(move, -1640531535) >>> 26) << 2);
  if (load32(slot) === move) repeated++;
  store32(slot, move);
  return changes >= 64 && 2 * repeated > changes;
}

/** Where in the base the bytes at `at` are: on the former diagonal, in the surroundings of the present one, elsewhere; or 0. */
function candidateFor(at: i32, along: i32, former: i32, baseEnd: i32): i32 {
  if (former >= BASE && former + WINDOW <= baseEnd && equal8(at, former) && equal8(at + 8, former + 8)) return former;
  surround(along, former);
  const near = findDense(at);
  return near > 0 && near + MIN_MATCH <= baseEnd && equal8(at + 8, near + 8) ? near : find(at);
}

/** Counts a short match from elsewhere, and indexes the further around it the more there were. */
function noteScattered(at: i32, place: i32, base: i32): void {
  scattered++;
  if (scattered % MANY_SCATTERED === 0) {
    densely = at - scatteredFrom < DENSELY;
    scatteredFrom = at;
  }
  indexAround(place - BASE, scattered > MANY_SCATTERED ? base : 1 << (PIECE_BITS + (scattered >> 3)));
}

/** Bytes before a match of `matched` bytes that are worth comparing with what was written there. */
function mostBefore(anchor: i32, from: i32, matched: i32): i32 {
  return smaller(smaller(anchor - TARGET, from - BASE), smaller(4 * matched, MOST_BEFORE));
}

function leastMatch(distance: i32): i32 {
  const near = distance < FAR && distance > -FAR;
  if (scattered > MANY_SCATTERED) return near ? MIN_SCATTERED : MIN_FAR_SCATTERED;
  return near ? MIN_MATCH : MIN_FAR_MATCH;
}

/** Where in the base the target most likely starts: at its start, or after a neighbouring block. */
export function startOf(base: i32, target: i32): i32 {
  if (base <= MAX_TARGET) return 0;
  const here = commonPrefix(TARGET, BASE, smaller(base, target));
  const next = commonPrefix(TARGET, BASE + MAX_TARGET, smaller(base - MAX_TARGET, target));
  return here > next ? 0 : MAX_TARGET;
}
