/*
 * Where target and base are equal again after a change: on the same diagonal, or on one nearby when bytes were inserted
 * or removed as well.
 */
import { BASE } from './layout.ts';
import { commonPrefix, equal8, nextRun } from './machine.ts';
import { smaller } from './numbers.ts';

/** Bytes inserted or removed up to which a diagonal is tried, the nearest first. */
const NEAR: i32 = 16;
/** Insertions of about the same length, as where each record gained a field, are met at once. */
const MOST_USUAL: i32 = 128;
const VARIES: i32 = 2;
/** Bytes from the change on that have to be in memory. */
export const REACH: i32 = MOST_USUAL + VARIES + 2 * 64;
/** Equal bytes beyond the literals before them that leave no doubt. */
const SURE: i32 = 12;
/** Equal bytes on another diagonal that are worth going there. */
const LEAST: i32 = 8;
/** The same after an insertion of any length, which costs nothing to look for. */
const LEAST_AFTER_INSERTION: i32 = 16;
const SOON: i32 = 8;
/** What looking at other diagonals may cost beyond what it yields. */
const MOST_CREDIT: i32 = 256;

export let resumedAt: i32 = 0;
export let resumedFrom: i32 = 0;
export let resumedLength: i32 = 0;
let score: i32 = 0;
let credit: i32 = 0;
/** Bytes of the last insertion, or 0. */
let usual: i32 = 0;

/** Diagonals that were compared. */
export let nearby: i32 = 0;

export function startResuming(): void {
  credit = MOST_CREDIT;
  nearby = 0;
  usual = 0;
}

/**
 * Where the target at `at` differs from the base at `from`, finds the next bytes in REACH of both that are equal. Returns
 * whether there are any; then the variables above say where and how many.
 */
export function resume(at: i32, from: i32, end: i32, baseEnd: i32): boolean {
  resumedLength = 0;
  score = -REACH;
  consider(at, from, 0, 0);
  if (usual > 0 && score < SURE) {
    for (let inserted = usual - VARIES; inserted <= usual + VARIES; inserted++) consider(at, from, inserted, 0);
    if (score < SURE) usual = 0;
  }
  for (let shift = 1; shift <= NEAR && score < SURE && credit > 0; shift++) {
    consider(at, from, shift, 0);
    consider(at, from, 0, shift);
  }
  if (resumedLength === 0) {
    credit -= 2;
    return false;
  }
  if (resumedFrom - resumedAt !== from - at) credit = smaller(MOST_CREDIT, credit + (resumedLength >> 3) - 2);
  const limit = smaller(end - resumedAt, baseEnd - resumedFrom);
  resumedLength = commonPrefix(resumedAt, resumedFrom, limit);
  return true;
}

/** How many bytes are equal where `inserted` bytes came before what the base has at `from`; 0 for too few. */
export function afterInsertion(at: i32, from: i32, inserted: i32, end: i32, baseEnd: i32): i32 {
  if (from + 8 > baseEnd || !equal8(at, from)) return 0;
  const length = commonPrefix(at, from, smaller(end - at, baseEnd - from));
  if (length < LEAST_AFTER_INSERTION + (inserted >> 3)) return 0;
  usual = inserted > NEAR && inserted <= MOST_USUAL ? inserted : 0;
  return length;
}

/** Whether what the base has at `from`, where the last COPY ended, comes within a few bytes, with more than `length` equal. */
export function goesOnSoon(at: i32, from: i32, length: i32, baseEnd: i32): boolean {
  if (from < BASE || from + length >= baseEnd) return false;
  for (let i = 1; i <= SOON; i++) {
    if (equal8(at + i, from) && commonPrefix(at + i, from, length + 1) > length) return true;
  }
  return false;
}

/** Considers that so many bytes were inserted and so many removed. */
function consider(start: i32, startFrom: i32, inserted: i32, removed: i32): void {
  nearby++;
  const run = nextRun(start + inserted, startFrom + removed);
  if (run < 0) return;
  const literals = inserted + run;
  const at = start + literals;
  const from = startFrom + removed + run;
  const length = commonPrefix(at, from, 64);
  if (inserted + removed > 0 && length < LEAST + (literals >> 1)) return;
  if (length - literals <= score) return;
  score = length - literals;
  resumedAt = at;
  resumedFrom = from;
  resumedLength = length;
}
