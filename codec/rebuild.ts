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

/** Fewer bytes are copied in a loop before a call would have begun. */
const SHORT = 32;

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
    followCopies(memory, count, base, target);
    placeLiterals(memory, count, literalsAt, target);
    return;
  }
  if (copies === TO_KERNEL) followCopies(memory, count, base, memory.subarray(TARGET));
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

/** Carries out the COPYs. Those on one diagonal are a single one, which also writes where the literals between them go. */
function followCopies(memory: Uint8Array, count: number, base: Uint8Array, target: Uint8Array): void {
  const numbers = new Int32Array(memory.buffer);
  let to = 0;
  let runFrom = 0;
  let runTo = 0;
  for (let i = 0; i < count; i++) {
    const start = to + numbers[(OP_LITERALS >> 2) + i]!;
    const from = numbers[(OP_FROM >> 2) + i]!;
    const length = numbers[(OP_LENGTH >> 2) + i]!;
    if (length > 0 && from - start !== runFrom - runTo) {
      target.set(base.subarray(runFrom, runFrom + to - runTo), runTo);
      runFrom = from;
      runTo = start;
    }
    if (length > 0) to = start + length;
  }
  target.set(base.subarray(runFrom, runFrom + to - runTo), runTo);
}

function placeLiterals(memory: Uint8Array, count: number, literalsAt: number, target: Uint8Array): void {
  const numbers = new Int32Array(memory.buffer);
  let to = 0;
  let literal = literalsAt;
  for (let i = 0; i < count; i++) {
    const literals = numbers[(OP_LITERALS >> 2) + i]!;
    if (literals > SHORT) target.set(memory.subarray(literal, literal + literals), to);
    else for (let j = 0; j < literals; j++) target[to + j] = memory[literal + j]!;
    literal += literals;
    to += literals + numbers[(OP_LENGTH >> 2) + i]!;
  }
}
