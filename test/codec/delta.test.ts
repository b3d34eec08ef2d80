import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyDelta, BLOCK_BYTES, DeltaError, encodeDelta, sha256, toHex } from '../../codec/index.ts';
import {
  archive,
  brief,
  bytesOf,
  changed,
  edited,
  indented,
  rated,
  replaced,
  replacedByAnother,
  replacedEvery,
  sourceCode,
  table,
} from './contents.ts';
import { concat, noise, structuredPair } from './pairs.ts';

const MIB = 1024 * 1024;

async function apply(base: Uint8Array, delta: Uint8Array, target: Uint8Array): Promise<Uint8Array> {
  return applyDelta(base, delta, { expectedSize: target.length, expectedHash: toHex(await sha256(target)) });
}

describe('encodeDelta and applyDelta', () => {
  test('reverse each other on structured pairs', async () => {
    await fc.assert(
      fc.asyncProperty(structuredPair, async ({ base, target }) => {
        const delta = encodeDelta(base, target);
        expect(delta.length).toBeLessThanOrEqual(target.length * 1.001 + 32);
        expect(Buffer.compare(await apply(base, delta, target), target)).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  test('reverse each other when the range coder ends with zeros', async () => {
    const words = (first: number, count: number) =>
      Uint8Array.from({ length: 8 * count }, (_, index) => (index === 0 ? first : index % 8 === 0 ? 254 : 0));
    const target = words(255, 6);
    expect(Buffer.compare(await apply(words(254, 3), encodeDelta(words(254, 3), target), target), target)).toBe(0);
  });

  const base = noise(4 * MIB);
  const text = new TextEncoder().encode(Array.from({ length: 200_000 }, (_, line) => `line ${line * 7919}\n`).join(''));
  const source = sourceCode(25_000);
  const rows = table(40_000);
  const sorted = [...rows].sort((a, b) => (a.slice(7) < b.slice(7) ? -1 : 1));
  const fileNumbers = Array.from({ length: 300 }, (_, index) => index);
  const nearlyEven = base.subarray(0, MIB).map((byte, index) => (index % 100 < 3 ? 97 + (byte % 3) : byte));
  test.each([
    ['a 100-byte overwrite', 130, base, replaced(base, MIB, noise(100, 2))],
    ['a 100-byte insertion', 130, base, concat([base.subarray(0, 1000), noise(100, 2), base.subarray(1000, -100)])],
    ['swapped halves', 24, base, concat([base.subarray(2 * MIB), base.subarray(0, 2 * MIB)])],
    ['the same content', 16, base, base],
    ['unrelated content', 4 * MIB * 1.001, base, noise(4 * MIB, 2)],
    ['content that hardly compresses', MIB * 1.001, noise(100), nearlyEven],
    ['nothing', 16, base, new Uint8Array(0)],
    ['content from nothing', 60 + 1000, new Uint8Array(0), noise(1000)],
    ['zeros', 40, base, new Uint8Array(4 * MIB)],
    ['a byte less in each 64', 1000, base, base.filter((_, index) => index % 64 !== 5)],
    ['a changed word in each hundredth line', 8000, text, replacedEvery(text, 100 * 14)],
    ['line ends of another system', 24_000, source, changed(source, /\n/g, '\r\n')],
    ['tabs for spaces', 28_000, source, changed(source, / {2}/g, '\t')],
    ['lines joined', 20_000, source, changed(source, /\n */g, ' ')],
    ['another name throughout', 12_000, source, changed(source, /node/g, 'vertex')],
    ['a table sorted by another column', 135_000, bytesOf(rows), bytesOf(sorted)],
    ['the same with a cell changed in some rows', 150_000, bytesOf(rows), bytesOf(sorted.map(rated))],
    ['short rows in another order', 127_000, bytesOf(rows.map(brief)), bytesOf(sorted.map(brief))],
    [
      'each third row replaced by another one',
      50_000,
      bytesOf(rows.map(brief)),
      bytesOf(rows.map(brief).map(replacedByAnother)),
    ],
    ['JSON with another indentation', 75_000, indented(rows, 2), indented(rows, 4)],
    ['the same from its middle on', 40_000, indented(rows, 2), indented(rows, 4).subarray(2 * MIB)],
    ['files with similar headers in another order', 2300, archive(fileNumbers), archive(fileNumbers.toReversed())],
    ['a row less in a table', 100, text, concat([text.subarray(0, 67_000), text.subarray(67_014, 3_000_000)])],
  ])('describe %s in at most %i bytes', async (_, most, from, to) => {
    const delta = encodeDelta(from, to);
    expect(delta.length).toBeLessThanOrEqual(most);
    expect(Buffer.compare(await apply(from, delta, to), to)).toBe(0);
  });

  test('a first literal before content that repeats, in a block between neighbours', async () => {
    const blocks = noise(3 * BLOCK_BYTES).fill(0, BLOCK_BYTES, BLOCK_BYTES + 100);
    const shifted = concat([Uint8Array.of(0), blocks.subarray(BLOCK_BYTES, 2 * BLOCK_BYTES)]);
    const repeated = [shifted.subarray(0, MIB), shifted.subarray(150, 450), shifted.subarray(MIB)];
    const target = concat(repeated).subarray(0, BLOCK_BYTES);
    expect(Buffer.compare(await apply(blocks, encodeDelta(blocks, target), target), target)).toBe(0);
  });

  const lines = text.subarray(0, 700_000);
  const edit = fc.record({
    gap: fc.integer({ min: 0, max: 200_000 }),
    removed: fc.oneof(fc.nat(100), fc.nat(100_000)),
    inserted: fc.oneof(fc.nat(100), fc.nat(3000), fc.nat(100_000)),
    seed: fc.nat(3),
  });
  test.each([
    // What was removed is found again at once in noise; lines that resemble each other may mislead the search for a while.
    ['noise', 700, noise(700_000, 8), 0],
    ['text', 15_000, lines, 0],
    ['zeros', 700, new Uint8Array(700_000), 0],
    [
      'a block between neighbours',
      15_000,
      concat([base, lines, base.subarray(0, BLOCK_BYTES - 700_000), lines]),
      BLOCK_BYTES,
    ],
  ])('reverse each other after some edits of %s', async (_, most, from, start) => {
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 8 }), async (edits) => {
        const target = edited(from.subarray(start, start + 700_000), edits);
        const delta = encodeDelta(from, target);
        const inserted = edits.reduce((sum, { inserted }) => sum + inserted, 0);
        expect(delta.length).toBeLessThanOrEqual(1.01 * inserted + most * (edits.length + 1));
        expect(Buffer.compare(await apply(from, delta, target), target)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  const file = noise(2 * BLOCK_BYTES, 5);
  test.each([
    ['at its start', 0],
    ['over the edge of a compared chunk', 2 * 65_536 - 20],
    ['at its end', BLOCK_BYTES - 40],
  ])('an edit of a block with a neighbour before it, %s', async (_, at) => {
    const block = file.subarray(BLOCK_BYTES);
    for (const edit of [noise(40, 6), new Uint8Array(40), file.subarray(100, 140)]) {
      const target = replaced(block, at, edit);
      const delta = encodeDelta(file, target);
      expect(delta.length).toBeLessThan(80);
      expect(Buffer.compare(await apply(file, delta, target), target)).toBe(0);
      const shorter = target.subarray(0, BLOCK_BYTES - 70_001);
      expect(Buffer.compare(await apply(file, encodeDelta(file, shorter), shorter), shorter)).toBe(0);
    }
  });

  test.each([
    ['near its start', 0, 1000],
    ['over the edge of a compared chunk', 3 * 65_536 - 20, 100],
    ['of a whole chunk', BLOCK_BYTES / 2, 65_536],
    ['near its end', BLOCK_BYTES - 200, 7],
  ])('bytes inserted into a block between neighbours, or removed from it, %s', async (_, at, length) => {
    const blocks = noise(3 * BLOCK_BYTES, 9);
    const block = blocks.subarray(BLOCK_BYTES, 2 * BLOCK_BYTES);
    for (const from of [blocks, blocks.subarray(0, 2 * BLOCK_BYTES), block]) {
      const inserted = concat([block.subarray(0, at), new Uint8Array(length), block.subarray(at)]);
      const removed = concat([block.subarray(0, at), block.subarray(at + length)]);
      for (const target of [inserted.subarray(0, BLOCK_BYTES), removed]) {
        const delta = encodeDelta(from, target);
        expect(delta.length).toBeLessThan(80);
        expect(Buffer.compare(await apply(from, delta, target), target)).toBe(0);
      }
    }
  });

  test('an end that is in the base several times', async () => {
    const lines = noise(200_000, 3);
    const from = concat([lines, base.subarray(0, 300_000), lines, base.subarray(300_000, 500_000), lines]);
    const target = concat([from.subarray(0, 150_000), noise(20, 4), from.subarray(150_000)]);
    const delta = encodeDelta(from, target);
    expect(delta.length).toBeLessThan(80);
    expect(Buffer.compare(await apply(from, delta, target), target)).toBe(0);
  });

  const piece = fc.record({
    from: fc.nat(MIB),
    length: fc.integer({ min: 8000, max: 500_000 }),
    inserted: fc.oneof(fc.constant(0), fc.nat(300)),
  });
  test('pieces in another order, some of them several times, some with bytes in between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 8 }), async (pieces) => {
        const target = concat(
          pieces.flatMap(({ from, length, inserted }) => [base.subarray(from, from + length), noise(inserted, 7)]),
        );
        const delta = encodeDelta(base, target);
        const inserted = pieces.reduce((sum, { inserted }) => sum + inserted, 0);
        expect(delta.length).toBeLessThanOrEqual(inserted + 30 + 15 * pieces.length);
        expect(Buffer.compare(await apply(base, delta, target), target)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('content from far away is found although most of the block did not change', async () => {
    const target = replaced(base, 3 * MIB, base.subarray(1000, 9000));
    expect(encodeDelta(base, target).length).toBeLessThan(60);
  });

  test('a base of neighbouring blocks absorbs content that drifted over a block edge', async () => {
    const blocks = noise(3 * BLOCK_BYTES);
    const target = concat([noise(10, 2), blocks.subarray(BLOCK_BYTES - 500_000, 2 * BLOCK_BYTES - 500_010)]);
    const delta = encodeDelta(blocks, target);
    expect(delta.length).toBeLessThan(60);
    expect(Buffer.compare(await apply(blocks, delta, target), target)).toBe(0);
  });

  test('a delta for data that grew around a common part keeps its hashes', async () => {
    const target = replaced(base, 17, noise(5, 3));
    const hashes = { base: toHex(await sha256(base)), target: toHex(await sha256(target)) };
    const delta = encodeDelta(base, target, hashes);
    expect(Buffer.compare(await apply(base, delta, target), target)).toBe(0);
    const other = { expectedSize: target.length, expectedHash: hashes.base };
    await expect(applyDelta(base, delta, other)).rejects.toMatchObject({ code: 'wrong_target' });
  });

  test('a buffer of the caller takes the target', async () => {
    const into = new Uint8Array(BLOCK_BYTES + 5);
    const target = base.subarray(100);
    const expected = { expectedSize: target.length, expectedHash: toHex(await sha256(target)), into };
    const applied = await applyDelta(base, encodeDelta(base, target), expected);
    expect(applied.buffer).toBe(into.buffer);
    expect(Buffer.compare(applied, target)).toBe(0);
  });

  test('what is larger than blocks is refused', () => {
    const tooLarge = expect.objectContaining({ code: 'too_large' });
    expect(() => encodeDelta(new Uint8Array(3 * BLOCK_BYTES + 1), base)).toThrow(tooLarge);
    expect(() => encodeDelta(base, new Uint8Array(BLOCK_BYTES + 1))).toThrow(tooLarge);
  });
});

describe('applyDelta refuses', () => {
  const base = noise(10_000);
  const target = concat([base.subarray(5000), noise(50, 2), base.subarray(0, 4000)]);
  const delta = encodeDelta(base, target);

  test('the wrong base', async () => {
    const other = base.slice();
    other[6000]! ^= 1;
    await expect(apply(other, delta, target)).rejects.toMatchObject({ code: 'wrong_content' });
    await expect(apply(base.subarray(1), delta, target)).rejects.toMatchObject({ code: 'wrong_base' });
  });

  test('a truncation at every byte, and bytes that follow', async () => {
    for (let length = 0; length < delta.length; length++) {
      await expect(apply(base, delta.subarray(0, length), target)).rejects.toThrow(DeltaError);
    }
    await expect(apply(base, concat([delta, Uint8Array.of(0)]), target)).rejects.toMatchObject({ code: 'malformed' });
  });

  test.each([
    ['an unknown version', [1, 0, 10, 4], 'unknown_version'],
    ['unknown flags', [5, 2, 10, 4], 'malformed'],
    ['another size', [5, 0, 10, 5, 0], 'wrong_target'],
    ['a size that is cut off', [5, 0, 0x8a], 'malformed'],
    ['an overlong size', [5, 0, 0x8a, 0x00, 4], 'malformed'],
    ['a size beyond 4 bytes', [5, 0, 0xff, 0xff, 0xff, 0xff, 0x01], 'malformed'],
    ['hashes that are cut off', [5, 1, 10, 4, 1, 2, 3], 'malformed'],
    ['adaptive bytes past the end', [5, 0, 10, 4, 9, 1, 2], 'malformed'],
  ])('%s', async (_, bytes, code) => {
    const expectation = { expectedSize: 4, expectedHash: toHex(await sha256(Uint8Array.of(1, 2, 3, 4))) };
    const attempt = applyDelta(new Uint8Array(10), Uint8Array.from(bytes), expectation);
    await expect(attempt).rejects.toMatchObject({ name: 'DeltaError', code });
  });
});
