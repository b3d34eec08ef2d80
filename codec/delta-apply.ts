import { checkSizes } from './delta-encode.ts';
import { DeltaError } from './delta-error.ts';
import { readHeader } from './delta-header.ts';
import { digest, toHex } from './hash.ts';
import { MAX_DELTA } from './kernel/layout.ts';
import { kernel } from './kernel-host.ts';
import { rebuildTarget } from './rebuild.ts';

/**
 * Rebuilds the target of a delta and verifies it.
 *
 * Nothing is allocated before the declared sizes are checked against `expectedSize` and the base. The number of
 * instructions is bounded, every COPY lies inside the base, and the result has the expected SHA-256.
 *
 * @param expectedSize bytes of the target, at most one block
 * @param expectedHash SHA-256 of the target in lower-case hex
 * @param into where to put the target: at least `expectedSize` bytes that do not overlap the base. Saves the allocation,
 *   which takes as long as the hash. Its content is undefined when this throws.
 * @returns the target, verified
 * @throws DeltaError for anything else
 */
export async function applyDelta(
  base: Uint8Array,
  delta: Uint8Array,
  { expectedSize, expectedHash, into }: { expectedSize: number; expectedHash: string; into?: Uint8Array },
): Promise<Uint8Array> {
  checkSizes(base.length, expectedSize);
  if (delta.length > MAX_DELTA) throw new DeltaError('too_large', `a delta of ${delta.length} bytes`);
  const { baseSize, targetSize, hashes, bodyAt } = readHeader(delta);
  if (baseSize !== base.length) {
    throw new DeltaError('wrong_base', `the delta is for a base of ${baseSize} bytes, this one has ${base.length}`);
  }
  if (targetSize !== expectedSize) {
    throw new DeltaError('wrong_target', `the delta declares ${targetSize} bytes, ${expectedSize} were expected`);
  }
  if (hashes && hashes.target !== expectedHash) {
    throw new DeltaError('wrong_target', `the delta declares SHA-256 ${hashes.target}, ${expectedHash} was expected`);
  }

  const target = (into ?? new Uint8Array(targetSize)).subarray(0, targetSize);
  rebuildTarget(kernel(), base, delta.subarray(bodyAt), target);
  const hash = toHex(await digest(target));
  if (hash !== expectedHash) {
    throw new DeltaError(
      'wrong_content',
      `the delta yields content with SHA-256 ${hash}, not ${expectedHash}: the base differs`,
    );
  }
  return target;
}
