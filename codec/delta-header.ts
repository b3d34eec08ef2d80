/*
 * A delta:
 *
 *   version      1 byte, 5
 *   flags        1 byte; 1: the hashes follow the sizes
 *   base size    LEB128 of at most 4 bytes
 *   target size  LEB128 of at most 4 bytes
 *   base hash    32 bytes, SHA-256     (only with the flag)
 *   target hash  32 bytes, SHA-256     (only with the flag)
 *   body         see codec/kernel/delta.ts
 *
 * docs/delta-format.md has the whole format.
 */
import { DeltaError } from './delta-error.ts';
import { fromHex, toHex } from './hash.ts';
import { leb128, readLeb128 } from './leb128.ts';

const DELTA_VERSION = 5;
const WITH_HASHES = 1;
const HASH_BYTES = 32;

/** SHA-256 of what a delta leads from and to, in lower-case hex. */
export interface DeltaHashes {
  readonly base: string;
  readonly target: string;
}

export interface DeltaHeader {
  readonly baseSize: number;
  readonly targetSize: number;
  /** Absent when whoever sends the delta names base and target elsewhere. */
  readonly hashes?: DeltaHashes;
}

export function writeHeader({ baseSize, targetSize, hashes }: DeltaHeader): Uint8Array {
  const sizes = [...leb128(baseSize), ...leb128(targetSize)];
  if (!hashes) return Uint8Array.of(DELTA_VERSION, 0, ...sizes);
  return Uint8Array.of(DELTA_VERSION, WITH_HASHES, ...sizes, ...fromHex(hashes.base), ...fromHex(hashes.target));
}

/** What a delta declares, and where its body starts. Throws `DeltaError`. */
export function readHeader(delta: Uint8Array): DeltaHeader & { bodyAt: number } {
  const version = delta[0];
  if (version !== DELTA_VERSION) {
    throw new DeltaError('unknown_version', `unknown delta version ${version}; this side reads ${DELTA_VERSION}`);
  }
  const flags = delta[1];
  if (flags !== 0 && flags !== WITH_HASHES) throw new DeltaError('malformed', `unknown delta flags ${flags}`);
  const [baseSize, targetAt] = readLeb128(delta, 2);
  const [targetSize, sizesEnd] = readLeb128(delta, targetAt);
  if (flags === 0) return { baseSize, targetSize, bodyAt: sizesEnd };

  const bodyAt = sizesEnd + 2 * HASH_BYTES;
  if (bodyAt > delta.length) throw new DeltaError('malformed', 'the delta ends inside its hashes');
  const hashes = {
    base: toHex(delta.subarray(sizesEnd, sizesEnd + HASH_BYTES)),
    target: toHex(delta.subarray(sizesEnd + HASH_BYTES, bodyAt)),
  };
  return { baseSize, targetSize, hashes, bodyAt };
}

/** Bytes of what a delta makes, as it declares them. Throws DeltaError for what is no delta. */
export function targetSizeOf(delta: Uint8Array): number {
  return readHeader(delta).targetSize;
}
