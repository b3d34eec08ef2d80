import { expect, test } from 'vitest';
import { FrequentSaves } from '../../client/engine/frequent-saves.ts';
import type { Block } from '../../protocol/entry.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const MIB = 1024 * 1024;

/**
 * A file of one last block of `bytes` that changes every `every` ms for `during` ms, and is taken as the rule allows:
 * when, in milliseconds.
 */
function taken({ bytes, every, during }: { bytes: number; every: number; during: number }): number[] {
  let now = 1_000_000;
  const start = now;
  const saves = new FrequentSaves(() => now);
  const times: number[] = [];
  let before: Block[] = [];
  for (; now < start + during; now += every) {
    if (saves.waitFor('log') > 0) continue;
    const blocks = [{ hash: String(now), size: bytes }];
    saves.note('log', before, blocks);
    before = blocks;
    times.push(now - start);
  }
  return times;
}

test('a log that goes on growing stores a bounded number of bytes, and is never more than a minute old', () => {
  const times = taken({ bytes: 4 * MIB, every: 100, during: 60 * MINUTE });
  expect(times.slice(0, 5)).toEqual([0, 300, 800, 1800, 3800]);
  expect(times.length * 4 * MIB).toBeLessThan(70 * 4 * MIB);
  const gaps = times.slice(1).map((time, index) => time - times[index]!);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(MINUTE + 100);
});

test('a small file that is saved all the time is taken every second', () => {
  const times = taken({ bytes: 50_000, every: 50, during: 2 * MINUTE });
  const gaps = times.slice(1).map((time, index) => time - times[index]!);
  expect(Math.max(...gaps)).toBe(SECOND);
});

test('a file that is saved now and then is taken at once, each time', () => {
  const times = taken({ bytes: 4 * MIB, every: 30 * SECOND, during: 10 * MINUTE });
  expect(times).toHaveLength(20);
});

test('what was stored before costs nothing: only new blocks count', () => {
  let now = 0;
  const saves = new FrequentSaves(() => now);
  const old = [{ hash: 'old', size: 4 * MIB }];
  for (let times = 0; times < 20; times++) {
    saves.note('log', old, [...old, { hash: `new ${times}`, size: 1000 }]);
    now += saves.waitFor('log');
  }
  saves.note('log', old, [...old, { hash: 'last', size: 1000 }]);
  expect(saves.waitFor('log')).toBe(SECOND);
  expect(saves.waitFor('other')).toBe(0);
});
