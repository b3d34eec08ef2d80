import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batched } from '../../client/common/batched.ts';
import { withOffsets } from '../../client/plan/block-offsets.ts';
import { deleteBatches } from '../../client/steps/batches.ts';
import { limits } from '../../protocol/limits.ts';
import { ancestors } from '../../protocol/path.ts';

describe('batches', () => {
  const weigh = (item: number): number => item;

  test('hold all items in order, and are as long as the limits allow', () => {
    const items = fc.array(fc.nat(10));
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 20 }), (list, count, weight) => {
        const batches = [...batched(list, { most: count }, { most: weight, of: weigh })];
        expect(batches.flat()).toEqual(list);
        const fits = (batch: readonly number[]): boolean =>
          batch.length <= count && batch.reduce((sum, item) => sum + item, 0) <= weight;
        for (const [index, batch] of batches.entries()) {
          expect(batch.length === 1 || fits(batch)).toBe(true);
          const next = batches[index + 1];
          if (next) expect(fits([...batch, next[0]!])).toBe(false);
        }
      }),
    );
  });

  test('of deletions are as large as the service takes, in files and in directories', () => {
    const deletion = (path: string) => ({ do: 'deleteRemote', path, base_version: 1 }) as const;
    const flat = Array.from({ length: 3000 }, (_, index) => deletion(`folder/${index}`));
    expect([...deleteBatches(flat)].map(({ length }) => length)).toEqual([2000, 1000]);
    const deep = Array.from({ length: 1500 }, (_, index) => [deletion(`a/${index}/b/c`), deletion(`a/${index}/b/d`)]);
    for (const batch of deleteBatches(deep.flat())) {
      const directories = new Set(batch.flatMap(({ path }) => ancestors(path)));
      expect(directories.size).toBeLessThanOrEqual(limits.directoriesPerCall);
      expect(batch.length, 'more calls than they need').toBeGreaterThan(1000);
    }
  });

  test('an item beyond a limit is alone', () => {
    expect([...batched([1, 9, 1, 1], { most: 5, of: weigh })]).toEqual([[1], [9], [1, 1]]);
  });
});

test('blocks begin where those before them end', () => {
  const blocks = [
    { hash: 'a', size: 3 },
    { hash: 'b', size: 5 },
    { hash: 'a', size: 3 },
  ];
  expect(withOffsets(blocks)).toEqual([
    { hash: 'a', size: 3, offset: 0 },
    { hash: 'b', size: 5, offset: 3 },
    { hash: 'a', size: 3, offset: 8 },
  ]);
});
