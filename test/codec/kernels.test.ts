import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildKernel, moduleSource } from '../../codec/assembly/build.ts';
import type { DeltaError } from '../../codec/delta-error.ts';
import { BASE, TARGET } from '../../codec/kernel/layout.ts';
import { bodyOf, type Kernel, plainKernel, wasmKernel } from '../../codec/kernel-host.ts';
import { rebuildTarget } from '../../codec/rebuild.ts';
import { concat, noise, structuredPair } from './pairs.ts';

const wasm = wasmKernel()!;
const plain = plainKernel();

function encode(kernel: Kernel, base: Uint8Array, target: Uint8Array): Uint8Array {
  kernel.memory.set(base, BASE);
  kernel.memory.set(target, TARGET);
  return bodyOf(kernel, kernel.encode(base.length, target.length)).slice();
}

/** The target, or the code of the error. */
function apply(kernel: Kernel, base: Uint8Array, body: Uint8Array, size: number): Uint8Array | string {
  const target = new Uint8Array(size);
  try {
    rebuildTarget(kernel, base, body, target);
    return target;
  } catch (error) {
    return (error as DeltaError).code;
  }
}

function expectSame(base: Uint8Array, target: Uint8Array): void {
  const delta = encode(wasm, base, target);
  expect(Buffer.compare(encode(plain, base, target), delta)).toBe(0);
  for (const kernel of [wasm, plain]) {
    const rebuilt = apply(kernel, base, delta, target.length);
    expect(rebuilt).toBeInstanceOf(Uint8Array);
    expect(Buffer.compare(rebuilt as Uint8Array, target)).toBe(0);
  }
}

test('the checked-in module is what the sources build', async () => {
  const checkedIn = await readFile(new URL('../../codec/assembly/module.ts', import.meta.url), 'utf8');
  expect(checkedIn === moduleSource(await buildKernel()), 'run npm run build:codec').toBe(true);
});

test('WebAssembly and TypeScript write the same deltas', () => {
  fc.assert(
    fc.property(structuredPair, ({ base, target }) => expectSame(base, target)),
    { numRuns: 2000 },
  );
});

test.each([
  ['noise', (index: number) => noise(1, index)[0]!],
  ['skewed bytes', (index: number) => Math.clz32(noise(1, index)[0]!)],
  ['words', (index: number) => (index % 7) * (Math.imul(index, 0x9e3779b1) >>> 28)],
])('and for blocks of %s, whose streams are long', (_, byteAt) => {
  const base = Uint8Array.from({ length: 300_000 }, (_, index) => byteAt(index));
  const target = Uint8Array.from({ length: 300_001 }, (_, index) =>
    index % 50_000 < 25_000 ? base[index]! : byteAt(index + 1_000_000) + (index % 3),
  );
  expectSame(base, target);
  const scattered = base.map((byte, index) => (index % 41 === 0 ? byte + 1 : byte));
  expectSame(base, scattered);
});

test('and for streams of every length modulo the number of states, whose last bytes are rare ones', () => {
  for (let length = 3000; length < 3016; length++) {
    const other = noise(length, 7);
    const skewed = noise(length, length).map((byte, index) =>
      index < length - 8 ? byte & other[index]! & 63 : 255 - (byte & 7),
    );
    expectSame(noise(100), skewed);
  }
});

test('what an earlier call left behind the target decides nothing', () => {
  const [start, inserted, piece, after] = [noise(1000, 1), noise(20, 2), noise(100, 3), noise(200, 4)];
  for (let gap = 0; gap < 64; gap++) {
    const base = concat([start, piece.subarray(4), after, noise(gap, 9), piece, noise(3000, 5)]);
    const target = concat([start, inserted, piece]);
    const delta = encode(wasm, base, target);
    encode(wasm, base, concat([start, inserted, piece, after]));
    expect(Buffer.compare(encode(wasm, base, target), delta)).toBe(0);
  }
});

test('both refuse the same mutated deltas', () => {
  const base = noise(5000);
  fc.assert(
    fc.property(structuredPair, fc.nat(), fc.integer({ min: 1, max: 255 }), (pair, place, flip) => {
      const delta = encode(wasm, base, pair.target);
      delta[place % delta.length]! ^= flip;
      expect(apply(plain, base, delta, pair.target.length)).toEqual(apply(wasm, base, delta, pair.target.length));
    }),
    { numRuns: 2000 },
  );
});
