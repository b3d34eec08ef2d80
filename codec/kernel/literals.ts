/*
 * LZ77 over the literals, after a dictionary: the bytes of the base that no COPY used, since what replaces them often
 * resembles them. Tokens as in LZ4 (two nibbles: plain bytes, then match length less MIN_MATCH; 15 continues in the
 * stream of lengths), but each kind of byte in its own stream. A distance of 0 means the previous distance.
 */
import { LITERALS, MAX_TARGET, streamAt, TABLE } from './layout.ts';
import {
  commonPrefix,
  commonSuffix,
  copy,
  fill,
  leadingZeros,
  load8,
  load32,
  multiply,
  store8,
  store32,
} from './machine.ts';
import { afterNumber, between, putNumber, smaller, takeNumber } from './numbers.ts';
import { codedEighths, measure } from './static-coder.ts';
import { readStream, writeStream } from './stream.ts';

const MIN_MATCH: i32 = 4;
const MIN_BITS: i32 = 10;
const MAX_BITS: i32 = 16;
/** Literals after which those of much content are judged; eighths of a bit that a match takes, about. */
const SAMPLE: i32 = 1 << 16;
const TOKEN_EIGHTHS: i32 = 192;
/** Looks for a match that any content warrants, and for each byte, as a negative power of 2. */
const MOST_LOOKS: i32 = 1 << 19;
const LOOKS_PER_BYTE: i32 = 2;

/** Contexts of the five streams. The first is that of literals which are not compressed, too. */
export const PLAIN: i32 = 13;
const TOKEN: i32 = 14;
const LENGTH: i32 = 15;
const NEAR: i32 = 16;
const FAR: i32 = 17;

const plainStream: i32 = streamAt(0);
const tokenStream: i32 = streamAt(1);
const lengthStream: i32 = streamAt(2);
const nearStream: i32 = streamAt(3);
const farStream: i32 = streamAt(4);

let plain: i32 = 0;
let token: i32 = 0;
let length: i32 = 0;
let near: i32 = 0;
let far: i32 = 0;
let lastDistance: i32 = 0;

/** How often the last call of `findMatches` looked for a match. */
export let looks: i32 = 0;

/**
 * Finds the matches in the `count` literals after a dictionary of `dictionary` bytes and fills the streams. Returns
 * whether the matches are worth it; only then is `writeMatches` to be called.
 */
export function findMatches(dictionary: i32, count: i32): boolean {
  plain = plainStream;
  token = tokenStream;
  length = lengthStream;
  near = nearStream;
  far = farStream;
  lastDistance = 0;

  const from = LITERALS + dictionary;
  const to = from + count;
  const bits = between(MIN_BITS, 32 - leadingZeros(dictionary + count), MAX_BITS);
  const shift = 32 - bits;
  fill(TABLE, 0, 4 << bits);
  for (let at = LITERALS; at < from - 3; at++) store32(slot(at, shift), at);

  let at = from;
  let anchor = from;
  looks = 0;
  let judged = count < 2 * SAMPLE;
  while (at + MIN_MATCH <= to) {
    if (!judged && anchor >= from + SAMPLE) {
      judged = true;
      if (!beatStaticCode(from, anchor - from)) return false;
    }
    const hurry = hurried(at - from);
    looks++;
    if (!findMatch(at, anchor, to, shift)) {
      at += 1 + ((at - anchor) >> 8) + hurry;
      continue;
    }
    // A better one may start at the next place.
    const gain = matchGain;
    const earlier = matchFrom;
    const matched = matchLength;
    const distance = matchDistance;
    looks++;
    if (hurry > 0 || at + 1 + MIN_MATCH > to || !findMatch(at + 1, anchor, to, shift) || matchGain <= gain) {
      matchFrom = earlier;
      matchLength = matched;
      matchDistance = distance;
    }
    emit(anchor, matchFrom - anchor, matchLength, matchDistance);
    anchor = matchFrom + matchLength;
    // Two places within the match, so that what repeats in part is found as well.
    if (anchor - at > 8) {
      store32(slot(at + 2, shift), at + 2);
      store32(slot(anchor - 4, shift), anchor - 4);
    }
    at = anchor + hurry;
  }
  const plains = plain - plainStream + to - anchor;
  if (count - plains <= count >> 5) return false;
  copy(plain, anchor, to - anchor);
  plain += to - anchor;
  return areWorthwhile(from, count);
}

/** Whether the streams are shorter than the literals, when that is close as the static code would leave both. */
function areWorthwhile(from: i32, count: i32): boolean {
  const plains = plain - plainStream;
  const tokens = token - tokenStream;
  const lengths = length - lengthStream;
  const fars = far - farStream;
  if (plains + 2 * tokens + lengths + fars < count - (count >> 3)) return true;
  const references =
    coded(tokenStream, tokens) + coded(lengthStream, lengths) + coded(nearStream, tokens) + coded(farStream, fars);
  return coded(plainStream, plains) + references < coded(from, count) - (count >> 7);
}

/** Bytes that the static code takes for these, about. */
function coded(from: i32, bytes: i32): i32 {
  if (bytes === 0) return 0;
  measure(from, bytes);
  return (bytes * codedEighths()) >> 6;
}

/** Whether the matches in the first `bytes` literals save more than the static code would without them. */
function beatStaticCode(from: i32, bytes: i32): boolean {
  measure(from, bytes);
  const matched = bytes - (plain - plainStream);
  return matched * codedEighths() > (token - tokenStream) * TOKEN_EIGHTHS;
}

/** Bytes to skip once there were more looks for a match than `bytes` literals warrant. */
function hurried(bytes: i32): i32 {
  const beyond = looks - MOST_LOOKS - (bytes >> LOOKS_PER_BYTE);
  return beyond > 0 ? smaller(beyond >> 10, 31) : 0;
}

let matchFrom: i32 = 0;
let matchLength: i32 = 0;
let matchDistance: i32 = 0;
/** Bytes that the match saves, about. */
let matchGain: i32 = 0;

/** Finds a match that includes `at` and enters that place. Returns whether it is worth its token. */
function findMatch(at: i32, anchor: i32, to: i32, shift: i32): boolean {
  const entry = slot(at, shift);
  let candidate = load32(entry);
  store32(entry, at);
  if (lastDistance > 0 && load32(at) === load32(at - lastDistance)) candidate = at - lastDistance;
  else if (candidate === 0 || load32(candidate) !== load32(at)) return false;
  const back = commonSuffix(at, candidate, smaller(at - anchor, candidate - LITERALS));
  matchFrom = at - back;
  matchLength = back + 4 + commonPrefix(at + 4, candidate + 4, to - at - 4);
  matchDistance = at - candidate;
  matchGain = matchLength - worthwhileLength(matchDistance);
  return matchGain >= 0;
}

function slot(at: i32, shift: i32): i32 {
  return TABLE + ((multiply(load32(at), -1640531535) >>> shift) << 2);
}

/** A distance costs bytes too. */
function worthwhileLength(distance: i32): i32 {
  if (distance === lastDistance) return MIN_MATCH;
  return distance < 256 ? MIN_MATCH : distance < 1 << 15 ? MIN_MATCH + 1 : MIN_MATCH + 2;
}

function emit(anchor: i32, plainBytes: i32, matched: i32, distance: i32): void {
  copy(plain, anchor, plainBytes);
  plain += plainBytes;
  const more = matched - MIN_MATCH;
  store8(token++, (smaller(plainBytes, 15) << 4) | smaller(more, 15));
  if (plainBytes >= 15) length = putNumber(length, plainBytes - 15);
  if (more >= 15) length = putNumber(length, more - 15);
  const code = distance === lastDistance ? 0 : distance;
  store8(near++, code);
  far = putNumber(far, code >>> 8);
  lastDistance = distance;
}

export function writeMatches(): void {
  writeStream(tokenStream, token - tokenStream, TOKEN);
  writeStream(lengthStream, length - lengthStream, LENGTH);
  writeStream(nearStream, near - nearStream, NEAR);
  writeStream(farStream, far - farStream, FAR);
  writeStream(plainStream, plain - plainStream, PLAIN);
}

/** Rebuilds the `count` literals after the dictionary. Returns false when the streams do not yield them exactly. */
export function readMatches(dictionary: i32, count: i32): boolean {
  const tokens = readStream(tokenStream, MAX_TARGET / MIN_MATCH, TOKEN);
  const lengths = readStream(lengthStream, MAX_TARGET, LENGTH);
  const nears = readStream(nearStream, MAX_TARGET / MIN_MATCH, NEAR);
  const fars = readStream(farStream, MAX_TARGET, FAR);
  const plains = readStream(plainStream, count, PLAIN);
  if (tokens < 0 || lengths < 0 || nears !== tokens || fars < 0 || plains < 0) return false;

  let at = LITERALS + dictionary;
  const end = at + count;
  const plainEnd = plainStream + plains;
  let lengthAt = lengthStream;
  let farAt = farStream;
  let distance = 0;
  plain = plainStream;
  for (let i = 0; i < tokens; i++) {
    const nibbles = load8(tokenStream + i);
    let plainBytes = nibbles >> 4;
    let matched = nibbles & 15;
    if (plainBytes === 15) {
      const more = takeNumber(lengthAt, lengthStream + lengths);
      if (more < 0) return false;
      lengthAt = afterNumber;
      plainBytes += more;
    }
    if (matched === 15) {
      const more = takeNumber(lengthAt, lengthStream + lengths);
      if (more < 0) return false;
      lengthAt = afterNumber;
      matched += more;
    }
    matched += MIN_MATCH;
    const high = takeNumber(farAt, farStream + fars);
    if (high < 0 || high >= 1 << 20) return false;
    farAt = afterNumber;
    const code = (high << 8) | load8(nearStream + i);
    if (code > 0) distance = code;
    if (plainBytes > plainEnd - plain || plainBytes + matched > end - at) return false;
    copy(at, plain, plainBytes);
    plain += plainBytes;
    at += plainBytes;
    if (distance === 0 || distance > at - LITERALS) return false;
    repeat(at, distance, matched);
    at += matched;
  }
  if (plainEnd - plain !== end - at || lengthAt !== lengthStream + lengths || farAt !== farStream + fars) return false;
  copy(at, plain, end - at);
  return true;
}

/** Copies from `distance` bytes before; where the ranges overlap, what was written is read again. */
function repeat(to: i32, distance: i32, bytes: i32): void {
  if (distance >= bytes || distance >= 128) {
    let done = 0;
    while (done < bytes) {
      const part = smaller(bytes - done, distance);
      copy(to + done, to + done - distance, part);
      done += part;
    }
    return;
  }
  for (let i = 0; i < bytes; i++) store8(to + i, load8(to + i - distance));
}
