/*
 * The search in executables. The next build has mostly the same functions, but most instructions that refer to an
 * address changed, so that little is equal for long. What matters is where most bytes are equal: a COPY may be wrong in
 * some, and corrections.ts puts them right. After C. Percival, "Naive differences of executable code", 2003 (bsdiff),
 * with a fixed number of comparisons at each place instead of a suffix array.
 *
 * A COPY follows its diagonal window by window for as long as half of a window's bytes are equal. From where it ends, all
 * diagonals nearby are tried at once, since mostly a few bytes were inserted or removed; then two indexes of the base. In
 * tables a diagonal may fit fairly well and another one much better, so those nearby are tried now and then as well.
 */
import { find, step, widen } from './base-index.ts';
import { findDense, startDense, surround } from './dense-index.ts';
import { pushOrProlong } from './instruction-list.ts';
import { BASE } from './layout.ts';
import { equalBytes, load8, mostEqual } from './machine.ts';
import { between, larger, smaller } from './numbers.ts';

/** Bytes that `equalBytes` compares. */
const WINDOW: i32 = 32;
/** Equal bytes in a window for a COPY to go on; to start nearby, in the surroundings, and from elsewhere. */
const LEAST_ALONG: i32 = 16;
const LEAST_NEAR: i32 = 20;
const LEAST_DENSE: i32 = 24;
const LEAST_FAR: i32 = 26;
/** Diagonals in both directions that are tried. */
const NEAR: i32 = 64;
/** Pending bytes up to which they are, once a window. */
const NEAR_PENDING: i32 = 256;
/** They are tried along a COPY after so many windows with fewer equal bytes than that. */
const LEAST_GOOD: i32 = 24;
const MANY_POOR: i32 = 8;
/** Equal bytes by which another diagonal has to be better, and windows back to which it is then compared. */
const CLEARLY: i32 = 4;
const MOST_BACK: i32 = 128;
/** So often it is judged whether corrections are a gain: by the bytes that agree, in sixteenths, and by the COPYs. */
const JUDGED: i32 = 1 << 17;
const LEAST_AGREED: i32 = 11;
const MOST_COPIES: i32 = 512;

let start: i32 = 0;
let end: i32 = 0;
let baseEnd: i32 = 0;
/** How often diagonals nearby may still be tried. */
let nearLeft: i32 = 0;
let tried: i32 = 0;
let copied: i32 = 0;
/** Bytes compared since that was judged last, and how many of them were equal. */
let compared: i32 = 0;
let agreed: i32 = 0;
/** COPYs since then. */
let copies: i32 = 0;
/** Whether the last search ended because corrections are no gain. */
export let gaveUp: boolean = false;
/** Vectors compared and places tried. */
export let aligned: i32 = 0;

/**
 * Adds the instructions for the target from `from` to `targetEnd`, where `startDiagonal` is the diagonal to begin with,
 * as differences of addresses. `origin` is the address of the whole base's first byte. Returns where the last COPY ends;
 * `gaveUp` says whether what follows may have more of them.
 */
export function searchAligned(from: i32, targetEnd: i32, limit: i32, startDiagonal: i32, origin: i32): i32 {
  start = from;
  end = targetEnd;
  baseEnd = limit;
  nearLeft = (targetEnd - from) >> 9;
  tried = 0;
  copied = 0;
  startJudging();
  gaveUp = false;
  aligned = 0;
  startDense(limit, targetEnd - from);
  let diagonal = startDiagonal;
  let anchor = from;
  let begin = from;
  for (;;) {
    const stop = follow(begin, diagonal);
    if (stop > begin) {
      pushOrProlong(begin - anchor, begin + diagonal - origin, stop - begin);
      copied += stop - begin;
      copies++;
      anchor = stop;
    }
    if (gaveUp) break;
    if (better !== 0) {
      begin = stop;
      diagonal = better;
      continue;
    }
    const at = realign(anchor, diagonal);
    if (at < 0) break;
    diagonal = found - at;
    begin = at - backwards(at, found, smaller(at - anchor, found - BASE));
  }
  aligned += tried;
  return anchor;
}

/** A diagonal that the last call of `follow` found to be better from where it ended, or 0. */
let better: i32 = 0;

/** Counts the equal bytes of one more window. Returns whether corrections are no gain. */
function isPoor(equal: i32): boolean {
  compared += WINDOW;
  agreed += equal;
  if (compared < JUDGED) return false;
  gaveUp = agreed < (compared >> 4) * LEAST_AGREED || copies > MOST_COPIES;
  startJudging();
  return gaveUp;
}

function startJudging(): void {
  compared = 0;
  agreed = 0;
  copies = 0;
}

/** Where a COPY along the diagonal that starts at `begin` ends best. */
function follow(begin: i32, diagonal: i32): i32 {
  const limit = smaller(end, baseEnd - diagonal);
  let at = begin;
  let poor = 0;
  better = 0;
  for (; at + WINDOW <= limit; at += WINDOW) {
    const equal = equalBytes(at, at + diagonal);
    if (equal < LEAST_ALONG || isPoor(equal)) break;
    if (equal >= LEAST_GOOD) continue;
    poor++;
    if (poor % MANY_POOR === 0 && nearby(at, diagonal) && equalBytes(at, found) >= equal + CLEARLY) {
      const other = found - at;
      const back = changeOver(begin, at, diagonal, other);
      if (back === at) continue;
      better = other;
      return back;
    }
  }
  aligned += (at - begin) >> 3;
  return bestEnd(larger(begin, at - WINDOW), smaller(limit, at + WINDOW), diagonal);
}

/** How far back to `begin` from `at` the other diagonal has more equal bytes in every window. */
function changeOver(begin: i32, at: i32, diagonal: i32, other: i32): i32 {
  const least = larger(larger(begin, BASE - other), at - MOST_BACK * WINDOW);
  let back = at - WINDOW;
  while (back >= least && equalBytes(back, back + other) > equalBytes(back, back + diagonal)) back -= WINDOW;
  aligned += (at - back) >> 3;
  return back + WINDOW;
}

/** The end between `from` and `to` up to which there are most equal bytes over others. */
function bestEnd(from: i32, to: i32, diagonal: i32): i32 {
  let best = from;
  let score = 0;
  let most = 0;
  for (let i = from; i < to; i++) {
    score += load8(i) === load8(i + diagonal) ? 1 : -1;
    if (score < most) continue;
    most = score;
    best = i + 1;
  }
  return best;
}

/** How far before `at` and `from`, up to `limit` bytes, a COPY starts best. */
function backwards(at: i32, from: i32, limit: i32): i32 {
  let score = 0;
  let most = 0;
  let best = 0;
  for (let i = 1; i <= limit && score > most - WINDOW; i++) {
    score += load8(at - i) === load8(from - i) ? 1 : -1;
    if (score <= most) continue;
    most = score;
    best = i;
  }
  return best;
}

/** The address in the base that `realign` or `nearby` found. */
let found: i32 = 0;

/** The first place from `anchor` on from which most bytes are somewhere in the base, or -1. */
function realign(anchor: i32, diagonal: i32): i32 {
  let at = anchor;
  let widenAt = 0;
  surround(at + diagonal, at + diagonal);
  while (at + WINDOW <= end) {
    const pending = at - anchor;
    if (pending < NEAR_PENDING && pending % WINDOW === 0 && nearby(at, diagonal)) return at;
    found = findDense(at);
    if (isEqual(at, LEAST_DENSE)) return at;
    if (pending >= widenAt) widenAt = widen(at + diagonal - BASE, pending);
    found = find(at);
    if (isEqual(at, LEAST_FAR)) return at;
    tried++;
    at += step(pending, tried, at - start, copied);
  }
  return -1;
}

function isEqual(at: i32, least: i32): boolean {
  return found > 0 && found + WINDOW <= baseEnd && equalBytes(at, found) >= least;
}

/** Finds the diagonal near this one on which most bytes of the window are equal. Returns whether these are many. */
function nearby(at: i32, diagonal: i32): boolean {
  if (nearLeft === 0) return false;
  nearLeft--;
  aligned += 4 * NEAR;
  const low = between(BASE, at + diagonal - NEAR, baseEnd - WINDOW);
  const high = between(BASE, at + diagonal + NEAR, baseEnd - WINDOW);
  found = mostEqual(at, low, high);
  return equalBytes(at, found) >= LEAST_NEAR;
}
