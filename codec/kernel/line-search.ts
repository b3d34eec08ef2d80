/*
 * The search in lines that were put in another order, as when a table is sorted by another column: a hash of each whole
 * line, but for blanks at its start, finds it wherever it went. The indexes of the base take a try at nearly every byte
 * for that, and miss lines that hold no window of theirs. Where a line goes on after a change is found on diagonals
 * nearby.
 */
import { pushOrProlong } from './instruction-list.ts';
import { BASE, LINES, MAX_LINE_BITS } from './layout.ts';
import {
  commonPrefix,
  commonSuffix,
  fill,
  indexOfByte,
  leadingZeros,
  load8,
  load32,
  multiply,
  store32,
} from './machine.ts';
import { between, larger, smaller } from './numbers.ts';
import { REACH, resume, resumedAt, resumedFrom } from './resume.ts';

const NEWLINE: i32 = 10;
const SPACE: i32 = 32;
const TAB: i32 = 9;
/** Bytes of a line, its end included, that are worth a COPY. At least the eight that `hashOf` reads at once. */
const MIN_LINE: i32 = 12;
/** Bytes of the next line that a COPY may have taken by chance. */
const MOST_BEYOND: i32 = 16;
/** Blanks of the base that are passed over where it goes on: no more, since each line of the target asks for them. */
const MOST_BLANKS: i32 = 256;
/** Bytes without a COPY after which the search ends. */
const MOST_PENDING: i32 = 1 << 10;
/** COPYs in a row that go on nearby, after which the search for what kept its order is better. */
const MANY_IN_ORDER: i32 = 16;
/** After a search that copied less than this there is none for some bytes. */
const LEAST_COPIED: i32 = 1 << 10;
const PAUSE: i32 = 1 << 14;
/** Bytes that have to hold so many lines, more than there are in noise. */
const SAMPLE: i32 = 1 << 14;
const MANY_LINES: i32 = 96;
/** Entries of the table that may hold a line: 1 + its place in the base, and above it the lowest bits of the hash as a tag. */
const WAYS: i32 = 4;
const PLACE_BITS: i32 = 24;
const MIN_BITS: i32 = 10;

let baseEnd: i32 = 0;
let end: i32 = 0;
let indexed: boolean = false;
let shift: i32 = 0;
/** Where the line that was found last begins, and whether the base goes on there or nearby. */
let foundAt: i32 = 0;
let foundFrom: i32 = 0;
let goesOn: boolean = false;
/** Where the next search may begin. */
let nextFrom: i32 = 0;
/** Lines that were hashed, and 256 bytes that were scanned for their ends or compared. */
export let lined: i32 = 0;

export function startLines(baseLimit: i32, targetLimit: i32): void {
  baseEnd = baseLimit;
  end = targetLimit;
  indexed = false;
  nextFrom = 0;
  lined = 0;
}

/**
 * Adds the instructions for the lines of the target from `from` on that the base has, up to where it lacks them.
 * `startDiagonal` is the diagonal to begin with, as a difference of addresses, `origin` the address of the whole base's
 * first byte. Returns where the last COPY ends: `from` when there is none.
 */
export function searchLines(from: i32, startDiagonal: i32, origin: i32): i32 {
  if (from < nextFrom) return from;
  nextFrom = from + PAUSE;
  if (!hasLines(from)) return from;
  if (!indexed) indexLines();
  let at = from;
  let anchor = from;
  let diagonal = startDiagonal;
  // The one before a line from elsewhere: the next line often goes on there, as where some were replaced by others.
  let formerDiagonal = startDiagonal;
  let inOrder = 0;
  while (at < end && at - anchor < MOST_PENDING && inOrder < MANY_IN_ORDER) {
    const line = at > anchor ? at : startOfLine(at, from);
    if (line < 0 || !find(line, at, at + diagonal, at + formerDiagonal)) {
      if (at > anchor || !resumes(at, at + diagonal)) {
        at = endOfLine(at, end);
        continue;
      }
      foundAt = resumedAt;
      foundFrom = resumedFrom;
      goesOn = true;
    }
    inOrder = goesOn ? inOrder + 1 : 0;
    const to = foundAt;
    const place = foundFrom;
    const length = commonPrefix(to, place, smaller(end - to, baseEnd - place));
    lined += length >> 8;
    const back = commonSuffix(to, place, smaller(to - anchor, place - (goesOn ? anchor + diagonal : BASE)));
    pushOrProlong(to - back - anchor, place - back - origin, back + length);
    at = to + length;
    anchor = at;
    if (!goesOn) formerDiagonal = diagonal;
    diagonal = place - to;
  }
  if (anchor - from >= LEAST_COPIED) nextFrom = anchor;
  return anchor;
}

function resumes(at: i32, from: i32): boolean {
  return from >= BASE && from + REACH <= baseEnd && at + REACH <= end && resume(at, from, end, baseEnd);
}

/** Whether there are many lines from `at` on. */
function hasLines(at: i32): boolean {
  const limit = smaller(end, at + SAMPLE);
  let place = at;
  for (let lines = 0; lines < MANY_LINES; lines++) {
    if (place >= limit) return false;
    place = endOfLine(place, limit);
  }
  return true;
}

/** The place after the line's last byte. */
function endOfLine(at: i32, limit: i32): i32 {
  const next = smaller(limit, indexOfByte(at, limit, NEWLINE) + 1);
  lined += (next - at) >> 8;
  return next;
}

/** The start of the line of which a COPY took the bytes before `at`, or -1 when it took more than a few. */
function startOfLine(at: i32, from: i32): i32 {
  for (let start = at; start > from && start > at - MOST_BEYOND; start--)
    if (load8(start - 1) === NEWLINE) return start;
  return -1;
}

function indexLines(): void {
  const bits = between(MIN_BITS, 32 - leadingZeros((baseEnd - BASE) >> 4), MAX_LINE_BITS);
  shift = 32 - bits;
  fill(LINES, 0, 4 << bits);
  indexed = true;
  for (let line = BASE; line < baseEnd; ) {
    const next = endOfLine(line, baseEnd);
    const start = afterBlanks(line, next);
    if (next - start >= MIN_LINE) {
      const hash = hashOf(start, next);
      store32(entryOf(hash), (hash << PLACE_BITS) | (start - BASE + 1));
    }
    line = next;
  }
}

/**
 * Finds a line of the base that equals the one at `line`, but for blanks at its start: where the base goes on at `along` or
 * at `former` if the target does at `at`, else anywhere. Leaves where it begins in both, from `at` on. Returns whether there is one.
 */
function find(line: i32, at: i32, along: i32, former: i32): boolean {
  const next = endOfLine(line, end);
  const start = afterBlanks(line, next);
  const length = next - start;
  if (length < MIN_LINE) return false;
  foundAt = larger(at, start);
  let candidate = at > start ? along - at + start : afterBlanks(along, smaller(baseEnd, along + MOST_BLANKS));
  goesOn = isEqual(start, candidate, length);
  if (!goesOn) {
    candidate = former - at + start;
    goesOn = isEqual(start, candidate, length);
  }
  if (!goesOn) {
    candidate = BASE - 1 + (load32(entryOf(hashOf(start, next))) & ((1 << PLACE_BITS) - 1));
    if (!isEqual(start, candidate, length)) return false;
  }
  foundFrom = candidate + foundAt - start;
  return true;
}

function isEqual(line: i32, candidate: i32, length: i32): boolean {
  return candidate >= BASE && candidate + length <= baseEnd && commonPrefix(line, candidate, length) === length;
}

/** The first byte of a line that is neither space nor tab. */
function afterBlanks(line: i32, next: i32): i32 {
  let at = line;
  while (at < next && (load8(at) === SPACE || load8(at) === TAB)) at++;
  lined += (at - line) >> 4;
  return at;
}

/** Where the table has a line with this hash, or where to put it: at worst in another one's place. */
function entryOf(hash: i32): i32 {
  lined++;
  const first = LINES + ((hash >>> shift) << 2);
  for (let way = 0; way < WAYS - 1; way++) {
    const entry = first ^ (way << 2);
    const held = load32(entry);
    if (held === 0 || (held ^ (hash << PLACE_BITS)) >>> PLACE_BITS === 0) return entry;
  }
  return first ^ ((WAYS - 1) << 2);
}

/** Hash of the line from `line` to `next`, eight bytes at a time; the last ones overlap those before. */
function hashOf(line: i32, next: i32): i32 {
  let first = next - line;
  let second = 0;
  for (let at = line; at < next - 8; at += 8) {
    first = mixed(first ^ load32(at));
    second = mixed(second ^ load32(at + 4));
  }
  first = mixed(first ^ load32(next - 8));
  second = mixed(second ^ load32(next - 4));
  const sum = first ^ multiply(second, -2048144777);
  return multiply(sum ^ (sum >>> 15), -1640531535) ^ (sum >>> 13);
}

function mixed(value: i32): i32 {
  const product = multiply(value, -1640531535);
  return (product << 13) | (product >>> 19);
}
