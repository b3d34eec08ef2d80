import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLOCK_BYTES, type BlockRange, blockRanges, cutAround } from '../../codec/index.ts';

const MIB = 1024 * 1024;
const lengthsOf = (ranges: readonly BlockRange[]): number[] => ranges.map(({ length }) => length);
const mib = (ranges: readonly BlockRange[]): number[] => lengthsOf(ranges).map((length) => length / MIB);

function endOf({ offset, length }: BlockRange): number {
  return offset + length;
}

/** Ranges that neither leave a part of the file out nor have one twice, none of them empty or longer than a block. */
function expectWhole(size: number, ranges: readonly BlockRange[]): void {
  let end = 0;
  for (const range of ranges) {
    expect(range.offset).toBe(end);
    expect(range.length).toBeGreaterThan(0);
    expect(range.length).toBeLessThanOrEqual(BLOCK_BYTES);
    end = endOf(range);
  }
  expect(end).toBe(size);
}

/** Kept blocks with parts of other bytes between them, and what follows the last one. */
const edited = fc
  .record({
    parts: fc.array(
      fc.record({
        gap: fc.oneof(fc.constant(0), fc.integer({ max: 3000, min: 0 }), fc.nat(12 * MIB)),
        length: fc.oneof(fc.constant(BLOCK_BYTES), fc.integer({ min: 1, max: BLOCK_BYTES })),
      }),
      { maxLength: 20 },
    ),
    end: fc.oneof(fc.constant(0), fc.nat(20 * MIB)),
  })
  .map(({ parts, end }) => {
    let at = 0;
    const kept = parts.map(({ gap, length }) => {
      const offset = at + gap;
      at = offset + length;
      return { offset, length };
    });
    return { size: at + end, kept };
  });

test('a file is cut whole, crumbs join, and blocks that are none stay as they are', () => {
  fc.assert(
    fc.property(edited, ({ size, kept }) => {
      const ranges = cutAround(size, kept);
      expectWhole(size, ranges);
      const lengths = lengthsOf(ranges);
      for (const [index, length] of lengths.entries()) {
        if (length >= BLOCK_BYTES / 2) continue;
        for (const neighbour of [lengths[index - 1], lengths[index + 1]]) {
          if (neighbour !== undefined) expect(length + neighbour).toBeGreaterThan(BLOCK_BYTES);
        }
      }
      expect(ranges.length).toBeLessThanOrEqual(2 * Math.ceil(size / BLOCK_BYTES) + 1);
      const places = new Set(ranges.map(({ offset, length }) => `${offset} ${length}`));
      for (const { offset, length } of kept)
        if (length === BLOCK_BYTES) expect(places).toContain(`${offset} ${length}`);
      // What was cut so once stays so.
      expect(cutAround(size, ranges)).toEqual(ranges);
    }),
  );
});

test.each([
  { what: 'nothing kept', kept: [], size: 9, lengths: [4, 4, 1] },
  {
    what: 'an insertion',
    kept: [
      [5, 4],
      [9, 1],
    ],
    size: 10,
    lengths: [2.5, 2.5, 4, 1],
  },
  {
    what: 'a long insertion',
    kept: [
      [0, 4],
      [13, 4],
    ],
    size: 17,
    lengths: [4, 3, 3, 3, 4],
  },
  {
    what: 'a short piece with room beside it',
    kept: [
      [0, 4],
      [5, 3],
      [8, 4],
    ],
    size: 12,
    lengths: [4, 4, 4],
  },
  {
    what: 'a short piece without',
    kept: [
      [0, 4],
      [5, 4],
    ],
    size: 9,
    lengths: [4, 1, 4],
  },
  {
    what: 'a longer end',
    kept: [
      [0, 4],
      [4, 1],
    ],
    size: 6,
    lengths: [4, 2],
  },
  { what: 'a much longer end', kept: [[0, 4]], size: 17, lengths: [4, 4, 4, 4, 1] },
  {
    what: 'an end that does not fit the last block',
    kept: [
      [0, 4],
      [4, 3.5],
    ],
    size: 8.5,
    lengths: [4, 3.5, 1],
  },
])('$what: what lies between is cut into equal pieces, the end into full ones', ({ kept, size, lengths }) => {
  const ranges = kept.map(([offset, length]) => ({ offset: offset! * MIB, length: length! * MIB }));
  expect(mib(cutAround(size * MIB, ranges))).toEqual(lengths);
});

/** A file that is edited again and again: what an edit touches is cut anew, all else moves. */
class Played {
  ranges: BlockRange[];
  size: number;
  stored = 0;

  constructor(size: number) {
    this.size = size;
    this.ranges = blockRanges(size);
  }

  /** Bytes at a place give way to as many others as `inserted`. */
  edit(at: number, removed: number, inserted: number): void {
    const shift = inserted - removed;
    this.size += shift;
    const kept = this.ranges.flatMap((range) => {
      if (endOf(range) <= at) return [range];
      return range.offset >= at + removed ? [{ ...range, offset: range.offset + shift }] : [];
    });
    const places = new Set(kept.map(({ offset, length }) => `${offset} ${length}`));
    this.ranges = cutAround(this.size, kept);
    for (const { offset, length } of this.ranges) if (!places.has(`${offset} ${length}`)) this.stored += length;
  }
}

/** Numbers from 0 to below 1, the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each([
  { what: '20,000 edits of up to 2,000 bytes', edits: 20_000, most: 2000, kind: 'both' },
  { what: '5,000 insertions of 20 KB', edits: 5000, most: 20_000, kind: 'insert' },
  { what: '2,500 deletions of up to 30 KB', edits: 2500, most: 30_000, kind: 'delete' },
])('$what leave a file below twice the blocks of a new one, and each stores a few blocks', ({ edits, most, kind }) => {
  const next = random(edits);
  const file = new Played(96 * MIB);
  for (let edit = 0; edit < edits; edit++) {
    const bytes = kind === 'insert' ? most : 1 + Math.floor(next() * most);
    const isInsertion = kind === 'insert' || (kind === 'both' && next() < 0.5);
    const at = Math.floor(next() * (file.size - bytes));
    file.edit(at, isInsertion ? 0 : bytes, isInsertion ? bytes : 0);
  }
  expectWhole(file.size, file.ranges);
  const ratio = file.ranges.length / blockRanges(file.size).length;
  if (process.env.CUT_FIGURES) console.log(kind, ratio, file.stored / edits / MIB, Math.min(...lengthsOf(file.ranges)));
  expect(ratio).toBeLessThan(2);
  expect(file.stored / edits).toBeLessThan(BLOCK_BYTES);
});

test('a file of very many blocks has its short ones cut anew, and no more blocks than can be stored', () => {
  const half = BLOCK_BYTES / 2 + 100_000;
  const halves = Array.from({ length: 20_000 }, (_, index) => ({ offset: index * half, length: half }));
  const full = Array.from({ length: 10 }, (_, index) => ({
    offset: halves.length * half + index * BLOCK_BYTES,
    length: BLOCK_BYTES,
  }));
  const size = endOf(full.at(-1)!);
  const ranges = cutAround(size, [...halves, ...full]);
  expectWhole(size, ranges);
  expect(ranges.length).toBe(blockRanges(size).length);
  expect(ranges.slice(-10)).toEqual(full);
});
