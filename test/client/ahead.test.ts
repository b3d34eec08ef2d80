import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ahead } from '../../client/common/ahead.ts';

/** Numbers, each made in a millisecond, of which one may fail; notes what happens. */
async function* numbers(log: string[], failing = Number.POSITIVE_INFINITY): AsyncGenerator<number> {
  try {
    for (let number = 0; number < 3; number++) {
      log.push(`begins ${number}`);
      await sleep(1);
      if (number === failing) throw new Error(`${number} fails`);
      log.push(`made ${number}`);
      yield number;
    }
  } finally {
    log.push('ended');
  }
}

test('the next is begun before one is handed out, and made while that one is used', async () => {
  const log: string[] = [];
  for await (const number of ahead(numbers(log))) {
    log.push(`uses ${number}`);
    await sleep(30);
  }
  expect(log).toEqual([
    ...['begins 0', 'made 0', 'begins 1', 'uses 0', 'made 1', 'begins 2', 'uses 1', 'made 2'],
    ...['ended', 'uses 2'],
  ]);
});

test('a failure is thrown when its turn comes', async () => {
  const used: number[] = [];
  const all = (async () => {
    for await (const number of ahead(numbers([], 1))) {
      used.push(number);
      await sleep(30);
    }
  })();
  await expect(all).rejects.toThrow('1 fails');
  expect(used).toEqual([0]);
});

test.each([undefined, 1])('who leaves early waits for what was begun (that fails: %s)', async (failing) => {
  const log: string[] = [];
  const leaves = async (): Promise<void> => {
    for await (const _ of ahead(numbers(log, failing))) throw new Error('leaves');
  };
  await expect(leaves()).rejects.toThrow('leaves');
  expect(log).toEqual(['begins 0', 'made 0', 'begins 1', ...(failing === 1 ? [] : ['made 1']), 'ended']);
});
