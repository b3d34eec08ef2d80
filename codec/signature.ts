/*
 * A signature:
 *
 *   version     1 byte, 2
 *   chunk size  LEB128
 *   base size   LEB128
 *   seed        32 bytes, the key of the hashes
 *   entries     12 bytes for each chunk, see codec/kernel/signature.ts
 */
import { assemble, checkSizes } from './delta-encode.ts';
import { DeltaError } from './delta-error.ts';
import type { DeltaHashes } from './delta-header.ts';
import { BASE, ENTRIES, ENTRY_BYTES, MAX_CHUNK, MIN_CHUNK, SEED, TARGET } from './kernel/layout.ts';
import { type Kernel, kernel } from './kernel-host.ts';
import { leb128, readLeb128 } from './leb128.ts';

const SIGNATURE_VERSION = 2;
const SEED_BYTES = 32;
/** Bytes that are copied to the kernel and hashed in one go, so that they are in the processor's cache. */
const PART_BYTES = 1 << 17;
/** An entry is 0.6% of its chunk, and an edit costs one or two chunks. */
const DEFAULT_CHUNK = 2048;

export interface SignatureOptions {
  /** Bytes, a multiple of 64 from 512 to 65,536. @default 2048 */
  readonly chunkSize?: number;
  /** 32 bytes. @default random ones */
  readonly seed?: Uint8Array;
}

/**
 * The signature of a base: what `encodeDeltaFromSignature` needs where the base is elsewhere. Its hashes are keyed with
 * a seed that must not be known before the base is, or chunks could be made to collide.
 *
 * @param base at most 12 MiB
 * @throws DeltaError `too_large` or `malformed` for sizes out of range, also of the seed
 */
export function signature(
  base: Uint8Array,
  { chunkSize = DEFAULT_CHUNK, seed = crypto.getRandomValues(new Uint8Array(SEED_BYTES)) }: SignatureOptions = {},
): Uint8Array {
  checkSizes(base.length, 0);
  checkChunkSize(chunkSize);
  if (seed.length !== SEED_BYTES) {
    throw new DeltaError('malformed', `a seed of ${seed.length} bytes: it has to have ${SEED_BYTES}`);
  }
  const { memory, prepareKey, sign } = kernel();
  memory.set(seed, SEED);
  prepareKey(chunkSize);
  const part = chunksOfPart(chunkSize);
  for (let chunk = 0; chunk * chunkSize < base.length; chunk += part) {
    const bytes = base.subarray(chunk * chunkSize, (chunk + part) * chunkSize);
    memory.set(bytes, BASE);
    sign(bytes.length, chunkSize, chunk);
  }
  const entryBytes = Math.ceil(base.length / chunkSize) * ENTRY_BYTES;
  const header = [SIGNATURE_VERSION, ...leb128(chunkSize), ...leb128(base.length), ...seed];
  const bytes = new Uint8Array(header.length + entryBytes);
  bytes.set(header);
  bytes.set(memory.subarray(ENTRIES, ENTRIES + entryBytes), header.length);
  return bytes;
}

/**
 * A delta that turns the base of the signature into `target`, found by whole chunks (the case of rsync). In linear time
 * for every signature and target.
 *
 * @param target at most one block
 * @param hashes SHA-256 of both, to put into the delta when nothing beside it says what it belongs to
 * @throws DeltaError for a malformed signature, `too_large` for the target
 */
export function encodeDeltaFromSignature(signature: Uint8Array, target: Uint8Array, hashes?: DeltaHashes): Uint8Array {
  const { chunkSize, baseSize, seedAt } = readSignature(signature);
  checkSizes(baseSize, target.length);
  const machine = kernel();
  machine.memory.set(signature.subarray(seedAt, seedAt + SEED_BYTES), SEED);
  machine.memory.set(signature.subarray(seedAt + SEED_BYTES), ENTRIES);
  const { prefix, suffix } = commonChunks(machine, { baseSize, chunkSize }, target);
  machine.memory.set(target.subarray(prefix * chunkSize, target.length - suffix), TARGET);
  const bodyBytes = machine.encodeFromSignature(baseSize, target.length, chunkSize, prefix, suffix);
  return assemble(machine, bodyBytes, { baseSize, targetSize: target.length, ...(hashes && { hashes }) });
}

function chunksOfPart(chunkSize: number): number {
  return Math.floor(PART_BYTES / chunkSize);
}

/**
 * The chunks at the target's start and the bytes at its end that are those of the base, the latter in whole chunks at the
 * same places. What was compared is not copied to the kernel again.
 */
function commonChunks(
  { memory, prepareKey, equalChunks }: Kernel,
  { baseSize, chunkSize }: { baseSize: number; chunkSize: number },
  target: Uint8Array,
): { prefix: number; suffix: number } {
  prepareKey(chunkSize);
  const part = chunksOfPart(chunkSize);
  const equalAt = (chunk: number, fromEnd: boolean): number => {
    const bytes = target.subarray(chunk * chunkSize, (chunk + part) * chunkSize);
    memory.set(bytes, TARGET);
    return equalChunks(bytes.length, chunkSize, chunk, fromEnd);
  };
  const chunks = Math.floor(Math.min(baseSize, target.length) / chunkSize);
  let prefix = 0;
  for (let equal = part; equal === part && prefix + part <= chunks; prefix += equal) equal = equalAt(prefix, false);
  // The last chunk of a base may be shorter: what comes after it cannot be told from the target's end.
  if (baseSize !== target.length || baseSize % chunkSize !== 0) return { prefix, suffix: 0 };
  let suffix = 0;
  for (let equal = part; equal === part && prefix + suffix + part <= chunks; suffix += equal) {
    equal = equalAt(chunks - suffix - part, true);
  }
  return { prefix, suffix: suffix * chunkSize };
}

function readSignature(signature: Uint8Array): { chunkSize: number; baseSize: number; seedAt: number } {
  const version = signature[0];
  if (version !== SIGNATURE_VERSION) {
    throw new DeltaError(
      'unknown_version',
      `unknown signature version ${version}; this side reads ${SIGNATURE_VERSION}`,
    );
  }
  const [chunkSize, baseSizeAt] = readLeb128(signature, 1);
  const [baseSize, seedAt] = readLeb128(signature, baseSizeAt);
  checkChunkSize(chunkSize);
  checkSizes(baseSize, 0);
  const bytes = seedAt + SEED_BYTES + Math.ceil(baseSize / chunkSize) * ENTRY_BYTES;
  if (signature.length !== bytes) {
    throw new DeltaError('malformed', `a signature of ${signature.length} bytes; its header says ${bytes}`);
  }
  return { chunkSize, baseSize, seedAt };
}

function checkChunkSize(chunkSize: number): void {
  if (chunkSize < MIN_CHUNK || chunkSize > MAX_CHUNK || chunkSize % 64 !== 0) {
    throw new DeltaError(
      'malformed',
      `a chunk size of ${chunkSize}; multiples of 64 from ${MIN_CHUNK} to ${MAX_CHUNK}`,
    );
  }
}
