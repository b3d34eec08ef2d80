import { kernelError } from './delta-error.ts';
import {
  BASE,
  COPIES,
  DELTA,
  OP_FROM,
  OP_LENGTH,
  OP_LITERALS,
  PIECE_BITS,
  PIECES,
  TARGET,
  TO_KERNEL,
  TO_TARGET,
} from './kernel/layout.ts';
import { type Kernel, numberAt } from './kernel-host.ts';

/**
 * Fills `target` from the base and the body of a delta. Throws `DeltaError` for a body that is malformed or does not fit
 * the sizes of both. A few long COPYs go straight from `base` to `target`, which must not overlap.
 */
export function rebuildTarget(machine: Kernel, base: Uint8Array, body: Uint8Array, target: Uint8Array): void {
  const { memory } = machine;
  memory.set(body, DELTA);
  const count = machine.parse(base.length, target.length, body.length);
  if (count < 0) throw kernelError(count);
  bringBase(memory, base);
  const literalsAt = machine.readLiterals(count, base.length);
  if (literalsAt < 0) throw kernelError(literalsAt);
  const copies = numberAt(memory, COPIES);
  if (copies === TO_TARGET) {
    copyAll(memory, count, literalsAt, base, target);
    return;
  }
  if (copies === TO_KERNEL) copyAll(memory, count, -1, base, memory.subarray(TARGET));
  const error = machine.rebuild(count, literalsAt);
  if (error < 0) throw kernelError(error);
  target.set(memory.subarray(TARGET, TARGET + target.length));
}

/** Copies the pieces of the base to the kernel that `parse` marked. */
function bringBase(memory: Uint8Array, base: Uint8Array): void {
  const pieces = memory.subarray(PIECES, PIECES + (base.length >> PIECE_BITS) + 2);
  for (let from = pieces.indexOf(1); from >= 0; ) {
    const to = pieces.indexOf(0, from);
    memory.set(base.subarray(from << PIECE_BITS, to << PIECE_BITS), BASE + (from << PIECE_BITS));
    from = pieces.indexOf(1, to);
  }
}

/** Copies what the instructions say to `target`; without the literals when they are at no address. */
function copyAll(memory: Uint8Array, count: number, literalsAt: number, base: Uint8Array, target: Uint8Array): void {
  const numbers = new Int32Array(memory.buffer);
  let to = 0;
  let literal = literalsAt;
  for (let i = 0; i < count; i++) {
    const literals = numbers[(OP_LITERALS >> 2) + i]!;
    const from = numbers[(OP_FROM >> 2) + i]!;
    const length = numbers[(OP_LENGTH >> 2) + i]!;
    if (literals > 0 && literalsAt >= 0) target.set(memory.subarray(literal, literal + literals), to);
    target.set(base.subarray(from, from + length), to + literals);
    literal += literals;
    to += literals + length;
  }
}
