import { DeltaError } from './delta-error.ts';
import { type DeltaHashes, type DeltaHeader, writeHeader } from './delta-header.ts';
import { differencesOf } from './differences.ts';
import { BASE, MAX_BASE, MAX_TARGET, TARGET } from './kernel/layout.ts';
import { bodyOf, type Kernel, kernel } from './kernel-host.ts';

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
  const machine = kernel();
  const bodyBytes = encodeDifferences(machine, base, target) || encodeWhole(machine, base, target);
  return assemble(machine, bodyBytes, {
    baseSize: base.length,
    targetSize: target.length,
    ...(hashes && { hashes }),
  });
}

function encodeWhole({ memory, encode }: Kernel, base: Uint8Array, target: Uint8Array): number {
  memory.set(base, BASE);
  memory.set(target, TARGET);
  return encode(base.length, target.length);
}

/** Looks only at where the two differ, when that is a small part: copying all to the kernel takes longer than the rest. */
function encodeDifferences(
  { memory, startWindows, addCopy, addWindow, finishWindows }: Kernel,
  base: Uint8Array,
  target: Uint8Array,
): number {
  const found = differencesOf(base, target);
  if (!found) return 0;
  const { start, differences } = found;
  startWindows();
  addCopy(start, differences[0]?.targetFrom ?? target.length);
  for (const [index, { baseFrom, baseTo, targetFrom, targetTo }] of differences.entries()) {
    const equalAfter = (differences[index + 1]?.targetFrom ?? target.length) - targetTo;
    if (targetFrom === targetTo) {
      addCopy(baseTo, equalAfter);
      continue;
    }
    memory.set(base.subarray(baseFrom, baseTo), BASE);
    memory.set(target.subarray(targetFrom, targetTo), TARGET);
    if (!addWindow(base.length, baseFrom, baseTo - baseFrom, targetTo - targetFrom, equalAfter)) return 0;
  }
  return finishWindows();
}

/** The delta with this header and the body that the kernel just wrote. */
export function assemble(machine: Kernel, bodyBytes: number, header: DeltaHeader): Uint8Array {
  const head = writeHeader(header);
  const delta = new Uint8Array(head.length + bodyBytes);
  delta.set(head);
  delta.set(bodyOf(machine, bodyBytes), head.length);
  return delta;
}

export function checkSizes(base: number, target: number): void {
  if (base > MAX_BASE) throw new DeltaError('too_large', `a base of ${base} bytes; the most is ${MAX_BASE}`);
  if (target > MAX_TARGET) throw new DeltaError('too_large', `a target of ${target} bytes; the most is ${MAX_TARGET}`);
}
