import { expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { bitsSet, firstSent, SentBits, sentBits } from '../../protocol/sent-bits.ts';

const numbers = (text: string, count = 40): number[] => [...Array(count).keys()].filter(bitsSet(text));

test('which blocks were sent is told in a bit each, from the lowest of the first byte on', () => {
  const isSent = Array.from({ length: 10 }, (_, number) => [0, 3, 9].includes(number));
  expect(Buffer.from(sentBits(isSent), 'base64')).toEqual(Buffer.from([0b1001, 0b10]));
  expect(numbers(sentBits(isSent))).toEqual([0, 3, 9]);
  expect(numbers(''), 'what is not told of').toEqual([]);
});

test('of those that were sent the first ones are as many as are wanted', () => {
  const text = sentBits(Array.from({ length: 30 }, (_, number) => number % 3 === 2));
  expect(numbers(firstSent(text, 4))).toEqual([2, 5, 8, 11]);
  expect(numbers(firstSent(text, 100))).toEqual(numbers(text));
});

test('as many blocks can be told of as a file may have', () => {
  const all = (count: number): string => sentBits(Array.from({ length: count }, () => true));
  expect(SentBits.safeParse(all(limits.blocksPerCall)).success).toBe(true);
  expect(SentBits.safeParse(all(2 * limits.blocksPerCall)).success).toBe(false);
});
