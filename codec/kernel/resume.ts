/*
 * Where target and base are equal again after a change: on the same diagonal, or on one nearby when bytes were inserted
 * or removed as well.
 */
import { BASE } from './layout.ts';
import { commonPrefix, equal8, nextEqual8, nextRun } from './machine.ts';
import { larger, smaller } from './numbers.ts';

/** The last change is tried again first, and where that was a long insertion others of about that length. */
const MOST_INSERTED: i32 = 112;
const VARIES: i32 = 2;
/** Then bytes inserted or removed up to here, and where some were replaced as well, up to NEAR. The nearest come first. */
const MOST_PURE: i32 = 64;
const NEAR: i32 = 16;
/** Bytes from the change on that have to be in memory. */
export const REACH: i32 = MOST_INSERTED + VARIES + 2 * 64;
/** Equal bytes beyond the literals before them that leave no doubt. */
const SURE: i32 = 12;
/** The same for not looking where some bytes were replaced as well. */
const FAIRLY_SURE: i32 = 6;
/** Equal bytes that count, beyond the inserted ones: the nearest place that goes on is better than a longer one. */
const MOST_GAIN: i32 = 32;
/** Equal bytes on another diagonal that are worth going there. */
const LEAST: i32 = 8;
/** Equal bytes where the last COPY ended that are worth going on there; after long insertions more, up to MOST_VAIN. */
const LEAST_AFTER_INSERTION: i32 = 16;
const MOST_VAIN: i32 = 64;
/** Bytes within which that place may come before another match is taken. */
const SOON: i32 = 8;
/** Diagonals that may be compared beyond two for each byte that was equal on one. */
const MOST_CREDIT: i32 = 1 << 12;

export let resumedAt: i32 = 0;
export let resumedFrom: i32 = 0;
export let resumedLength: i32 = 0;
let score: i32 = 0;
let credit: i32 = 0;
/** Bytes that the last change inserted, or removed as a negative number. */
let lastShift: i32 = 0;
/** The same of the last change that `considerReplaced` considered. */
let replacedShift: i32 = 0;

/** Diagonals that were compared, each over four vectors. */
export let nearby: i32 = 0;

export function startResuming(): void {
  credit = MOST_CREDIT;
  lastShift = 0;
  replacedShift = 1;
  nearby = 0;
}

/**
 * Where the target at `at` differs from the base at `from`, finds the next bytes in REACH of both that are equal. Returns
 * whether there are any; then the variables above say where and how many.
 */
export function resume(at: i32, from: i32, end: i32, baseEnd: i32): boolean {
  resumedLength = 0;
  score = -REACH;
  consider(at, from, 0);
  if (score < SURE && credit > 0) considerOthers(at, from);
  if (resumedLength === 0) return false;
  credit = smaller(MOST_CREDIT, credit + 2 * resumedLength);
  const limit = smaller(end - resumedAt, baseEnd - resumedFrom);
  resumedLength = commonPrefix(resumedAt, resumedFrom, limit);
  return true;
}

function considerOthers(at: i32, from: i32): void {
  const before = nearby;
  if (lastShift !== 0) consider(at, from, lastShift);
  if (lastShift > NEAR) {
    for (let i = 1; i <= VARIES && score < SURE; i++) {
      consider(at, from, lastShift - i);
      consider(at, from, lastShift + i);
    }
  }
  if (score < SURE && !considerPure(at, from) && score < FAIRLY_SURE) considerReplaced(at, from);
  credit -= nearby - before;
  if (resumedLength > 0) lastShift = smaller(resumedAt - resumedFrom - (at - from), MOST_INSERTED);
}

/** Considers that bytes were inserted or removed and none replaced. Returns whether that is sure. */
function considerPure(at: i32, from: i32): boolean {
  nearby += MOST_PURE >> 3;
  let inserted = nextEqual8(at, from, 1, MOST_PURE);
  let removed = nextEqual8(from, at, 1, MOST_PURE);
  while (inserted <= MOST_PURE || removed <= MOST_PURE) {
    if (inserted <= removed) {
      if (consider(at, from, inserted) >= SURE) return true;
      inserted = nextEqual8(at, from, inserted + 1, MOST_PURE);
    } else {
      if (consider(at, from, -removed) >= SURE) return true;
      removed = nextEqual8(from, at, removed + 1, MOST_PURE);
    }
  }
  return false;
}

/** Considers that some bytes were replaced as well: as many inserted or removed as the last time, then the fewest first. */
function considerReplaced(at: i32, from: i32): void {
  if (consider(at, from, replacedShift) >= FAIRLY_SURE) return;
  for (let shift = 1; shift <= NEAR; shift++) {
    replacedShift = shift;
    if (consider(at, from, shift) >= FAIRLY_SURE) return;
    replacedShift = -shift;
    if (consider(at, from, -shift) >= FAIRLY_SURE) return;
  }
}

/** How many bytes are equal where `inserted` bytes came before what the base has at `from`; 0 for too few. */
export function afterInsertion(at: i32, from: i32, inserted: i32, end: i32, baseEnd: i32): i32 {
  if (from + 8 > baseEnd || !equal8(at, from)) return 0;
  const limit = smaller(end - at, baseEnd - from);
  const least = smaller(LEAST_AFTER_INSERTION + (inserted >> 3), MOST_VAIN);
  // A run that is too short is compared no further than that, or one place could be compared in vain again and again.
  if (limit < least) return 0;
  const equal = commonPrefix(at, from, least);
  nearby += equal >> 2;
  if (equal < least) return 0;
  if (inserted <= MOST_INSERTED) lastShift = inserted;
  return commonPrefix(at, from, limit);
}

/**
 * Whether what the base has at `from`, where the last COPY ended, comes within a few bytes of the target, with more than
 * `length` equal.
 */
export function goesOnSoon(at: i32, from: i32, length: i32, end: i32, baseEnd: i32): boolean {
  if (from < BASE || from + length >= baseEnd) return false;
  for (let i = 1; i <= SOON && at + i + length < end; i++) {
    if (!equal8(at + i, from)) continue;
    nearby += length >> 2;
    if (commonPrefix(at + i, from, length + 1) > length) return true;
  }
  return false;
}

/** Considers that `shift` bytes were inserted or, when it is negative, removed. Returns how good that is. */
function consider(start: i32, startFrom: i32, shift: i32): i32 {
  nearby++;
  const inserted = larger(shift, 0);
  const run = nextRun(start + inserted, startFrom + inserted - shift);
  if (run < 0) return -REACH;
  const literals = inserted + run;
  const at = start + literals;
  const from = startFrom + literals - shift;
  const length = commonPrefix(at, from, 64);
  if (shift !== 0 && length < LEAST + (literals >> 1)) return -REACH;
  const gain = smaller(length, inserted + MOST_GAIN) - literals;
  if (gain > score) {
    score = gain;
    resumedAt = at;
    resumedFrom = from;
    resumedLength = length;
  }
  return gain;
}
