import { DELTA_VERSION, DeltaWriter } from './delta-format.ts';

/** Bytes between two indexed places of the base. Every match of WINDOW + STRIDE - 1 bytes covers one of them. */
const STRIDE = 32;
/** Bytes that are hashed at a place. */
const WINDOW = 16;
/** A shorter COPY saves too little to be worth its instruction. */
const MIN_MATCH = 32;

/**
 * A delta that turns `base` into `target`, as short as one greedy pass finds it.
 *
 * The base is indexed at a fixed stride with one place per hash slot; the target is scanned once, and a match is
 * extended both ways. Each position tests one candidate, extension forward consumes the target and extension backward
 * consumes pending literals, so the work is linear in `base.length + target.length` for every input, and memory is one
 * table beside the delta.
 *
 * @param base bytes that the other side has: a block, or neighbouring blocks back to back
 * @param target at most one block
 */
export function encodeDelta(base: Uint8Array, target: Uint8Array): Uint8Array {
  const writer = new DeltaWriter(256);
  writer.byte(DELTA_VERSION);
  writer.varint(base.length);
  writer.varint(target.length);

  const index = indexBase(base);
  let copiedTo = 0;
  let literalFrom = 0;
  let position = 0;
  const copy = (from: number, start: number, length: number): void => {
    insert(writer, target.subarray(literalFrom, start));
    writer.varint(2 * length + 1);
    writer.zigzag(from - copiedTo);
    copiedTo = from + length;
    position = start + length;
    literalFrom = position;
  };

  const prefix = matchForward(base, 0, target, 0);
  if (prefix >= MIN_MATCH) copy(0, 0, prefix);
  while (position + WINDOW <= target.length) {
    // After a changed byte the base usually goes on where it left off, so the same diagonal is tried before the table.
    const diagonal = copiedTo + (position - literalFrom);
    const matched = tryMatch(diagonal) || tryMatch(index.find(target, position));
    if (!matched) position++;
  }
  insert(writer, target.subarray(literalFrom));
  return writer.finish();

  function tryMatch(candidate: number): boolean {
    if (candidate < 0 || candidate >= base.length) return false;
    const forward = matchForward(base, candidate, target, position);
    if (forward < WINDOW) return false;
    const backward = matchBackward(base, candidate, target, position, literalFrom);
    if (forward + backward < MIN_MATCH) return false;
    copy(candidate - backward, position - backward, forward + backward);
    return true;
  }
}

function insert(writer: DeltaWriter, literal: Uint8Array): void {
  if (literal.length === 0) return;
  writer.varint(2 * literal.length);
  writer.append(literal);
}

function matchForward(base: Uint8Array, baseAt: number, target: Uint8Array, targetAt: number): number {
  const limit = Math.min(base.length - baseAt, target.length - targetAt);
  let length = 0;
  while (length < limit && base[baseAt + length] === target[targetAt + length]) length++;
  return length;
}

function matchBackward(base: Uint8Array, baseAt: number, target: Uint8Array, targetAt: number, floor: number): number {
  const limit = Math.min(baseAt, targetAt - floor);
  let length = 0;
  while (length < limit && base[baseAt - length - 1] === target[targetAt - length - 1]) length++;
  return length;
}

/** The places of the base by the hash of the bytes there. Of equal hashes the first place wins. */
function indexBase(base: Uint8Array): { find(bytes: Uint8Array, at: number): number } {
  const bits = Math.max(8, Math.ceil(Math.log2(base.length / STRIDE + 1)) + 1);
  const places = new Int32Array(2 ** bits).fill(-1);
  const shift = 32 - bits;
  const lastWindow = base.length - WINDOW;
  for (let at = lastWindow - (lastWindow % STRIDE); at >= 0; at -= STRIDE) {
    places[hashAt(base, at) >>> shift] = at;
  }
  return { find: (bytes, at) => places[hashAt(bytes, at) >>> shift] ?? -1 };
}

/** Multiplicative hash of WINDOW bytes; the constants are odd, from the xxHash primes. */
function hashAt(bytes: Uint8Array, at: number): number {
  return (
    Math.imul(word(bytes, at), 0x9e3779b1) ^
    Math.imul(Math.imul(word(bytes, at + 4), 0x85ebca77) ^ word(bytes, at + 8), 0xc2b2ae3d) ^
    Math.imul(word(bytes, at + 12), 0x27d4eb2f)
  );
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
