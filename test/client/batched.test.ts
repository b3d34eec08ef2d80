import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batched } from '../../client/common/batched.ts';
import { withOffsets } from '../../client/plan/block-offsets.ts';

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
