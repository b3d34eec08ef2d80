import { DeltaError } from './delta-error.ts';
import { type DeltaHashes, writeHeader } from './delta-header.ts';
import { BASE, DELTA, MAX_BASE, MAX_TARGET, TARGET } from './kernel/layout.ts';
import { kernel } from './kernel-host.ts';

/**
 * A delta that turns `base` into `target`, in linear time for every input. It is never more than a few bytes longer than
 * the target; when it is not clearly shorter, send the target itself.
 *
 * @param base bytes that the other side has: a block, or that with its neighbours back to back, at most 12 MiB
 * @param target at most one block
 * @param hashes SHA-256 of both, to put into the delta when nothing beside it says what it belongs to
 * @throws DeltaError `too_large`
 */
export function encodeDelta(base: Uint8Array, target: Uint8Array, hashes?: DeltaHashes): Uint8Array {
  checkSizes(base.length, target.length);
  const { memory, encode } = kernel();
  memory.set(base, BASE);
  memory.set(target, TARGET);
  const bytes = encode(base.length, target.length);
  const header = writeHeader({ baseSize: base.length, targetSize: target.length, ...(hashes && { hashes }) });
  const delta = new Uint8Array(header.length + bytes);
  delta.set(header);
  delta.set(memory.subarray(DELTA, DELTA + bytes), header.length);
  return delta;
}

export function checkSizes(base: number, target: number): void {
  if (base > MAX_BASE) throw new DeltaError('too_large', `a base of ${base} bytes; the most is ${MAX_BASE}`);
  if (target > MAX_TARGET) throw new DeltaError('too_large', `a target of ${target} bytes; the most is ${MAX_TARGET}`);
}
