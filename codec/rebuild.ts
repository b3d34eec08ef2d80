import { kernelError } from './delta-error.ts';
import { BASE, DELTA, NEEDS_BASE, OP_FROM, OP_LENGTH, OP_LITERALS, TARGET } from './kernel/layout.ts';
import { type Kernel, numberAt } from './kernel-host.ts';

/** More instructions are carried out by the kernel: a call for each would cost more than copying base and target. */
const FEW = 4096;

/**
 * Fills `target` from the base and the body of a delta. Throws `DeltaError` for a body that is malformed or does not fit
 * the sizes of both. A few long COPYs go straight from `base` to `target`, which must not overlap.
 */
export function rebuildTarget(machine: Kernel, base: Uint8Array, body: Uint8Array, target: Uint8Array): void {
  const { memory } = machine;
  memory.set(body, DELTA);
  const count = machine.parse(base.length, target.length, body.length);
  if (count < 0) throw kernelError(count);
  const inKernel = count > FEW || numberAt(memory, NEEDS_BASE) !== 0;
  if (inKernel) memory.set(base, BASE);
  const literalsAt = machine.readLiterals(count, base.length);
  if (literalsAt < 0) throw kernelError(literalsAt);
  if (inKernel) {
    const error = machine.rebuild(count, literalsAt);
    if (error < 0) throw kernelError(error);
    target.set(memory.subarray(TARGET, TARGET + target.length));
  } else {
    followInstructions(memory, count, literalsAt, base, target);
  }
}

function followInstructions(
  memory: Uint8Array,
  count: number,
  literalsAt: number,
  base: Uint8Array,
  target: Uint8Array,
): void {
  let to = 0;
  let literal = literalsAt;
  for (let i = 0; i < 4 * count; i += 4) {
    const literals = numberAt(memory, OP_LITERALS + i);
    const from = numberAt(memory, OP_FROM + i);
    const length = numberAt(memory, OP_LENGTH + i);
    target.set(memory.subarray(literal, literal + literals), to);
    target.set(base.subarray(from, from + length), to + literals);
    literal += literals;
    to += literals + length;
  }
}
