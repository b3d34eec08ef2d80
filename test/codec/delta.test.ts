import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyDelta,
  BLOCK_BYTES,
  blockRanges,
  DeltaError,
  encodeDelta,
  fromHex,
  sha256,
  toHex,
} from '../../codec/index.ts';

const MIB = 1024 * 1024;

async function apply(base: Uint8Array, delta: Uint8Array, target: Uint8Array): Promise<Uint8Array> {
  return applyDelta(base, delta, { expectedSize: target.length, expectedHash: toHex(await sha256(target)) });
}

/** A base and a target made from it by moving, dropping, repeating and inserting pieces. */
const structuredPair = fc
  .tuple(
    fc.uint8Array({ maxLength: 3000 }),
    fc.array(
      fc.oneof(
        fc.record({ from: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat(800) }),
        fc.uint8Array({ maxLength: 60 }),
      ),
      { maxLength: 12 },
    ),
  )
  .map(([seed, pieces]) => {
    const base = Buffer.concat([seed, seed, seed.subarray(0, 100)]);
    const target = pieces.map((piece) => {
      if (piece instanceof Uint8Array) return piece;
      const from = Math.floor(piece.from * base.length);
      return base.subarray(from, from + piece.length);
    });
    return { base, target: Buffer.concat(target) };
  });

describe('encodeDelta and applyDelta', () => {
  test('reverse each other on structured pairs', async () => {
    await fc.assert(
      fc.asyncProperty(structuredPair, async ({ base, target }) => {
        const rebuilt = await apply(base, encodeDelta(base, target), target);
        expect(Buffer.from(rebuilt).equals(target)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    [
      'a 100-byte overwrite',
      150,
      (base: Buffer) => Buffer.concat([base.subarray(0, MIB), randomBytes(100), base.subarray(MIB + 100)]),
    ],
    [
      'a 100-byte insertion',
      150,
      (base: Buffer) => Buffer.concat([base.subarray(0, 1000), randomBytes(100), base.subarray(1000)]),
    ],
    ['swapped halves', 40, (base: Buffer) => Buffer.concat([base.subarray(2 * MIB), base.subarray(0, 2 * MIB)])],
    ['the same content', 20, (base: Buffer) => base],
    ['unrelated content', 4 * MIB + 20, () => randomBytes(4 * MIB)],
    ['nothing', 20, () => Buffer.alloc(0)],
  ])('describe %s in a 4 MiB block in at most %i bytes', async (_, most, edit) => {
    const base = randomBytes(4 * MIB);
    const target = edit(base);
    const delta = encodeDelta(base, target);
    expect(delta.length).toBeLessThanOrEqual(most);
    expect(Buffer.from(await apply(base, delta, target)).equals(target)).toBe(true);
  });

  test('a base of neighbouring blocks absorbs content that drifted over a block edge', async () => {
    const file = randomBytes(3 * MIB);
    const target = Buffer.concat([randomBytes(10), file.subarray(MIB - 500_000, 2 * MIB - 500_000)]);
    expect(encodeDelta(file, target).length).toBeLessThan(60);
  });
});

describe('applyDelta refuses', () => {
  const base = randomBytes(10_000);
  const target = Buffer.concat([base.subarray(5000), randomBytes(50), base.subarray(0, 4000)]);
  const delta = encodeDelta(base, target);

  test('the wrong base', async () => {
    const other = Buffer.from(base);
    other[6000]! ^= 1;
    await expect(apply(other, delta, target)).rejects.toThrow(/the base differs/);
    await expect(apply(base.subarray(1), delta, target)).rejects.toThrow(/base of 10000 bytes/);
  });

  test('a truncation at every byte, and bytes that follow', async () => {
    for (let length = 0; length < delta.length; length++) {
      await expect(apply(base, delta.subarray(0, length), target)).rejects.toThrow(DeltaError);
    }
    await expect(apply(base, Buffer.concat([delta, Buffer.from([0])]), target)).rejects.toThrow(/follow/);
  });

  test.each([
    ['an unknown version', [2, 10, 4, 8, 1, 2, 3, 4], /unknown delta version 2/],
    ['an instruction of length 0', [1, 10, 4, 0], /length 0/],
    ['an output beyond its declaration', [1, 10, 4, 10, 1, 2, 3, 4, 5], /past the declared/],
    ['a COPY past the base', [1, 10, 4, 9, 14], /leaves the base/],
    ['a COPY before the base', [1, 10, 4, 9, 1], /leaves the base/],
    ['another size', [1, 10, 5, 10, 1, 2, 3, 4, 5], /declares 5 bytes/],
    ['an overlong number', [1, 0x8a, 0x00, 4], /overlong/],
    ['a number beyond 5 bytes', [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], /more than 5 bytes/],
  ])('%s', async (_, bytes, message) => {
    const expectation = { expectedSize: 4, expectedHash: toHex(await sha256(Uint8Array.of(1, 2, 3, 4))) };
    const attempt = applyDelta(new Uint8Array(10), Uint8Array.from(bytes), expectation);
    await expect(attempt).rejects.toThrow(DeltaError);
    await expect(attempt).rejects.toThrow(message);
  });

  test('mutated deltas, or yields the right content', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(delta.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const mutated = Uint8Array.from(delta);
        mutated[at]! ^= flip;
        try {
          expect(Buffer.from(await apply(base, mutated, target)).equals(target)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DeltaError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

test('hashes are written as lower-case hex and read back', async () => {
  expect(toHex(await sha256(new TextEncoder().encode('abc')))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  expect(fromHex('00ff10')).toEqual(Uint8Array.of(0, 255, 16));
  expect(() => fromHex('0')).toThrow(RangeError);
  expect(() => fromHex('zz')).toThrow(RangeError);
});

test('a file is cut into 4 MiB blocks and a rest', () => {
  expect(blockRanges(0)).toEqual([]);
  expect(blockRanges(BLOCK_BYTES + 1)).toEqual([
    { offset: 0, length: BLOCK_BYTES },
    { offset: BLOCK_BYTES, length: 1 },
  ]);
});
