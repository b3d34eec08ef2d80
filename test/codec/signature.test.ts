import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyDelta,
  BLOCK_BYTES,
  DeltaError,
  encodeDeltaFromSignature,
  sha256,
  signature,
  toHex,
} from '../../codec/index.ts';
import { BASE, ENTRIES, ENTRY_BYTES, SEED, TARGET } from '../../codec/kernel/layout.ts';
import { bodyOf, type Kernel, plainKernel, wasmKernel } from '../../codec/kernel-host.ts';
import { concat, noise, structuredPair } from './pairs.ts';

const CHUNK = 512;

async function apply(base: Uint8Array, delta: Uint8Array, target: Uint8Array): Promise<Uint8Array> {
  return applyDelta(base, delta, { expectedSize: target.length, expectedHash: toHex(await sha256(target)) });
}

test('a delta from a signature leads to the target', async () => {
  await fc.assert(
    fc.asyncProperty(structuredPair, async ({ base, target }) => {
      const delta = encodeDeltaFromSignature(signature(base, { chunkSize: CHUNK }), target);
      expect(Buffer.compare(await apply(base, delta, target), target)).toBe(0);
    }),
    { numRuns: 1000 },
  );
});

const base = noise(BLOCK_BYTES - 700);
test.each([
  ['the same content, to its short last chunk', 20, base],
  ['an insertion', 2300, concat([base.subarray(0, 1000), noise(100, 2), base.subarray(1000)])],
  ['an overwrite', 2300, concat([base.subarray(0, 5000), noise(100, 2), base.subarray(5100)])],
  ['swapped halves', 2200, concat([base.subarray(BLOCK_BYTES / 2), base.subarray(0, BLOCK_BYTES / 2)])],
])('%s costs at most %i bytes', async (_, most, target) => {
  const block = target.subarray(0, BLOCK_BYTES);
  const delta = encodeDeltaFromSignature(signature(base), block);
  expect(delta.length).toBeLessThanOrEqual(most);
  expect(Buffer.compare(await apply(base, delta, block), block)).toBe(0);
});

const whole = noise(BLOCK_BYTES, 4);
test.each([
  ['nowhere', 20, whole],
  ['at the start', 2300, concat([noise(9, 5), whole.subarray(9)])],
  ['between equal ends', 2300, concat([whole.subarray(0, 1_000_000), noise(9, 5), whole.subarray(1_000_009)])],
  ['at the end', 2300, concat([whole.subarray(0, -9), noise(9, 5)])],
  ['at both ends', 4400, concat([noise(9, 5), whole.subarray(9, -9), noise(9, 6)])],
  ['everywhere', BLOCK_BYTES + 40, noise(BLOCK_BYTES, 6)],
  [
    'in all but its first half',
    BLOCK_BYTES / 2 + 40,
    concat([whole.subarray(0, BLOCK_BYTES / 2), noise(BLOCK_BYTES / 2, 6)]),
  ],
])('a block of whole chunks that differs %s costs at most %i bytes', async (_, most, target) => {
  const delta = encodeDeltaFromSignature(signature(whole), target);
  expect(delta.length).toBeLessThanOrEqual(most);
  expect(Buffer.compare(await apply(whole, delta, target), target)).toBe(0);
});

test('two signatures of the same base differ: each has a key of its own', () => {
  expect(Buffer.compare(signature(base).subarray(40), signature(base).subarray(40))).not.toBe(0);
});

test('WebAssembly and TypeScript sign alike and find the same', () => {
  const run = (kernel: Kernel, from: Uint8Array, to: Uint8Array, chunkSize: number): Uint8Array => {
    kernel.memory.set(noise(32), SEED);
    kernel.memory.set(from, BASE);
    kernel.memory.set(to, TARGET);
    kernel.prepareKey(chunkSize);
    kernel.sign(from.length, chunkSize, 0);
    const entries = Math.ceil(from.length / chunkSize) * ENTRY_BYTES;
    const signed = kernel.memory.slice(ENTRIES, ENTRIES + entries);
    const body = bodyOf(kernel, kernel.encodeFromSignature(from.length, to.length, chunkSize, 0, 0));
    return concat([signed, body]);
  };
  fc.assert(
    fc.property(structuredPair, fc.constantFrom(512, 576, 2048), (pair, chunkSize) => {
      const wasm = run(wasmKernel()!, pair.base, pair.target, chunkSize);
      expect(Buffer.compare(run(plainKernel(), pair.base, pair.target, chunkSize), wasm)).toBe(0);
    }),
    { numRuns: 500 },
  );
});

describe('encodeDeltaFromSignature refuses', () => {
  const signed = signature(base.subarray(0, 10_000), { chunkSize: CHUNK });

  test('a truncation at every byte, and bytes that follow', () => {
    for (let length = 0; length < signed.length; length++) {
      expect(() => encodeDeltaFromSignature(signed.subarray(0, length), base)).toThrow(DeltaError);
    }
    expect(() => encodeDeltaFromSignature(concat([signed, Uint8Array.of(0)]), base)).toThrow(DeltaError);
  });

  test.each([0, 256, 513, 1 << 17])('a chunk size of %i', (chunkSize) => {
    expect(() => signature(base, { chunkSize })).toThrow(DeltaError);
  });

  test.each([0, 31, 33, 1 << 17])('a seed of %i bytes', (bytes) => {
    expect(() => signature(base, { seed: new Uint8Array(bytes) })).toThrow(DeltaError);
  });

  test('nothing that a mutation makes: the delta is refused or leads to the target', async () => {
    const from = base.slice(0, 10_000);
    const to = concat([from.subarray(600, 9000), noise(60, 3), from.subarray(100)]);
    await fc.assert(
      fc.asyncProperty(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const mutated = signed.slice();
        mutated[at]! ^= flip;
        try {
          expect(Buffer.compare(await apply(from, encodeDeltaFromSignature(mutated, to), to), to)).toBe(0);
        } catch (error) {
          expect(error).toBeInstanceOf(DeltaError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
