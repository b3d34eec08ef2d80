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

const nodeBuffer = globalThis.process?.getBuiltinModule?.('node:buffer').Buffer;

/** memcmp where Node offers it: the loop is several times slower. */
const equal: (a: Uint8Array, b: Uint8Array) => boolean = nodeBuffer
  ? (a, b) => nodeBuffer.compare(a, b) === 0
  : loopEqual;

function loopEqual(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Compares from both ends; the target starts where the base does, or after a neighbouring block. */
export function differenceOf(base: Uint8Array, target: Uint8Array): Difference {
  const shift = equalAt(base, BLOCK_BYTES, target, 0, Math.min(target.length, 64)) ? BLOCK_BYTES : 0;
  let prefix = 0;
  while (equalAt(base, shift + prefix, target, prefix, CHUNK)) prefix += CHUNK;
  let to = target.length;
  while (to - CHUNK >= prefix && equalAt(base, shift + to - CHUNK, target, to - CHUNK, CHUNK)) to -= CHUNK;
  const suffix = target.length - to;
  return { prefix, suffix, baseFrom: shift + prefix, baseTo: suffix > 0 ? shift + to : base.length };
}

function equalAt(base: Uint8Array, at: number, target: Uint8Array, targetAt: number, length: number): boolean {
  if (at + length > base.length || targetAt + length > target.length) return false;
  return equal(base.subarray(at, at + length), target.subarray(targetAt, targetAt + length));
}
