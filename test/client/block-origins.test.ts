import { expect, test } from 'vitest';
import { blockOrigins } from '../../client/plan/block-origins.ts';
import { limits } from '../../protocol/limits.ts';

const quarter = limits.blockBytes / 4;

/** Blocks by what is in them, one letter for each quarter of a block's length. */
const blocks = (...contents: string[]) => contents.map((hash) => ({ hash, size: hash.length * quarter }));

test.each([
  { what: 'nothing new', now: blocks('aaaa', 'bbbb'), origins: [] },
  { what: 'a block that changed', now: blocks('aaaa', 'xxxx', 'cccc', 'dd'), origins: [[1, 1]] },
  {
    what: 'a block cut in halves',
    now: blocks('aaaa', 'bbx', 'bb', 'cccc', 'dd'),
    origins: [
      [1, 1],
      [2, 1],
    ],
  },
  { what: 'an insertion before all', now: blocks('xxx', 'aaaa', 'bbbb', 'cccc', 'dd'), origins: [[0, 0]] },
  {
    what: 'a longer end',
    now: blocks('aaaa', 'bbbb', 'cccc', 'ddxx', 'xx'),
    origins: [
      [3, 3],
      [4, 3],
    ],
  },
  {
    what: 'an end far from the old one',
    now: blocks('aaaa', 'bbbb', 'cccc', 'ddxx', 'yyyy', 'zzzz', 'uuuu', 'vvvv'),
    origins: [
      [3, 3],
      [6, 3],
      [7, 3],
    ],
  },
  {
    what: 'all changed',
    now: blocks('AAAA', 'BBBB', 'CCCC', 'DD'),
    origins: [
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ],
  },
  { what: 'something removed', now: blocks('aaaa', 'bccc', 'dd'), origins: [[1, 1]] },
])('$what: each new block comes from what lay there', ({ now, origins }) => {
  expect([...blockOrigins(now, blocks('aaaa', 'bbbb', 'cccc', 'dd'))]).toEqual(origins);
});

test('blocks of an empty file come from none, and thousands of equal ones take no time', () => {
  expect(blockOrigins(blocks('aaaa'), [])).toEqual(new Map());
  const zeros = Array.from({ length: 20_000 }, () => blocks('0000')[0]!);
  expect([...blockOrigins([...zeros, ...blocks('aa')], zeros)]).toEqual([[20_000, 19_999]]);
});
