import { expect, test } from 'vitest';
import { Fetches } from '../../../client/steps/fetches.ts';
import { limits } from '../../../protocol/limits.ts';

const KIB = 1024;

/** A file of blocks of these sizes, all of which are lacking; the hashes are their numbers. */
function lacking(...sizes: number[]): Parameters<Fetches['weigh']>[0] {
  const blocks = sizes.map((size, index) => ({ hash: String(index), size }));
  return { file: { remote: { blocks } }, lacks: blocks.map(({ hash }) => hash) };
}

const packed = { pack: 'pack', at: 0, bytes: 20 * KIB };

test('a content weighs what it takes in an answer at most, until answers tell what larger ones take', () => {
  const fetches = new Fetches();
  const sizes = [100, 20 * KIB, limits.smallBytes + 1];
  expect(fetches.weigh(lacking(...sizes))).toBe(134 + 10_923);
  fetches.answered([lacking(...sizes)], { contents: { 0: 'x'.repeat(136) }, packed: {} });
  expect(fetches.weigh(lacking(...sizes)), 'one that fits a row as it is says nothing of larger ones').toBe(
    136 + 10_923,
  );
  fetches.answered([lacking(...sizes)], { contents: { 0: 'x'.repeat(40) }, packed: {} });
  expect(fetches.weigh(lacking(200, 50)), 'each byte of what fits a row takes what it took').toBe(100);
  const two = lacking(20 * KIB, 20 * KIB);
  fetches.answered([two], { contents: { 0: 'x'.repeat(4000) }, packed: { 1: packed } });
  expect(fetches.weigh(two)).toBe(4000);
  fetches.answered([two], { contents: {}, packed: { 0: packed, 1: packed } });
  expect(fetches.weigh(two), 'where each lies takes some bytes').toBe(1024);
});

test('an answer is asked for no more than it may carry', async () => {
  const fetches = new Fetches(() => 0);
  for (let call = 0; call < 5; call++) await fetches.measured(fetches.most, async () => undefined);
  expect(fetches.most).toBe(limits.contentBytesPerAnswer);
});

test('an answer is as large as its deltas, too', async () => {
  let now = 0;
  const fetches = new Fetches(() => now);
  const deltas = { hash: { base: ['base'], encoded: 'x'.repeat(fetches.most) } };
  const answer = async () => {
    now += 10_000;
    return { body: { contents: {}, deltas } };
  };
  const before = fetches.most;
  await fetches.asking(before, answer);
  expect(fetches.most, 'a slow line brings fewer the next time').toBe(before / 2);
});
