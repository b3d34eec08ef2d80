import { BLOCK_BYTES } from './blocks.ts';

/** Compared in one go: small enough that little is compared in vain, large enough for the call. */
const CHUNK = 1 << 16;

/** Where base and target differ, in whole chunks. */
export interface Difference {
  /** Bytes at the target's start that the base has right before `baseFrom`. */
  readonly prefix: number;
  /** Bytes at the target's end that the base has right after `baseTo`. */
  readonly suffix: number;
  readonly baseFrom: number;
  readonly baseTo: number;
}

/** The target's last bytes, looked for in the base this far from where they would be if nothing was inserted or removed. */
const LAST_BYTES = 32;
const REACH = 1 << 16;

const nodeBuffer = globalThis.process?.getBuiltinModule?.('node:buffer').Buffer;

/** memcmp where Node offers it: the loop is several times slower. */
const equal: (a: Uint8Array, b: Uint8Array) => boolean = nodeBuffer
  ? (a, b) => nodeBuffer.compare(a, b) === 0
  : loopEqual;

function loopEqual(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Where `bytes` starts in `within`, or -1. */
const indexOf: (within: Uint8Array, bytes: Uint8Array) => number = nodeBuffer
  ? (within, bytes) => nodeBuffer.from(within.buffer, within.byteOffset, within.length).indexOf(bytes)
  : loopIndexOf;

function loopIndexOf(within: Uint8Array, bytes: Uint8Array): number {
  for (let at = within.indexOf(bytes[0]!); at >= 0; at = within.indexOf(bytes[0]!, at + 1)) {
    if (equalAt(within, at, bytes, 0, bytes.length)) return at;
  }
  return -1;
}

/**
 * Compares from both ends. The target starts where the base does, or after a neighbouring block; between its ends bytes
 * may have been inserted or removed.
 */
export function differenceOf(base: Uint8Array, target: Uint8Array): Difference {
  const shift = equalAt(base, BLOCK_BYTES, target, 0, Math.min(target.length, 64)) ? BLOCK_BYTES : 0;
  let prefix = 0;
  while (equalAt(base, shift + prefix, target, prefix, CHUNK)) prefix += CHUNK;
  const endShift = shiftOfEnd(base, target, shift);
  let to = target.length;
  while (to - CHUNK >= prefix && equalAt(base, endShift + to - CHUNK, target, to - CHUNK, CHUNK)) to -= CHUNK;
  const suffix = target.length - to;
  return { prefix, suffix, baseFrom: shift + prefix, baseTo: suffix > 0 ? endShift + to : base.length };
}

/** How far further than in the target its last bytes are in the base, if they are near where `shift` puts them. */
function shiftOfEnd(base: Uint8Array, target: Uint8Array, shift: number): number {
  const at = target.length - LAST_BYTES;
  if (at < 0 || equalAt(base, shift + at, target, at, LAST_BYTES)) return shift;
  const from = Math.max(0, shift + at - REACH);
  const found = indexOf(base.subarray(from, shift + at + REACH), target.subarray(at));
  return found < 0 ? shift : from + found - at;
}

function equalAt(base: Uint8Array, at: number, target: Uint8Array, targetAt: number, length: number): boolean {
  if (at < 0 || at + length > base.length || targetAt + length > target.length) return false;
  return equal(base.subarray(at, at + length), target.subarray(targetAt, targetAt + length));
}
