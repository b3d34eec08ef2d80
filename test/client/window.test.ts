import { beforeEach, expect, test } from 'vitest';
import { Window } from '../../client/common/window.ts';

/* How many transfers go on at once, by a time that the test sets. */

let now: number;
let window: Window;
let running: { end(): void; fail(error: Error): void }[];

beforeEach(() => {
  now = 0;
  window = new Window(() => now);
  running = [];
});

/** Begins a transfer; the test ends it. */
function begin(): void {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  window
    .run(() => {
      running.push({ end: resolve, fail: reject });
      return promise;
    })
    .catch(() => undefined);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets the oldest transfer end after so long. */
async function finish(milliseconds: number): Promise<void> {
  now += milliseconds;
  running.shift()!.end();
  await turn();
}

async function beginMany(): Promise<void> {
  for (let count = 0; count < 50; count++) begin();
  await turn();
}

test('more go on at once while they finish quickly, up to eight', async () => {
  await beginMany();
  expect(running).toHaveLength(2);
  const seen: number[] = [];
  for (let count = 0; count < 8; count++) {
    await finish(100);
    seen.push(running.length);
  }
  expect(seen).toEqual([3, 4, 5, 6, 7, 8, 8, 8]);
});

test('on a slow link one goes after the other', async () => {
  await beginMany();
  await finish(65_000);
  expect(running).toHaveLength(1);
  await finish(65_000);
  expect(running).toHaveLength(1);
});

test('one that fails halves them; one that was given up does not', async () => {
  await beginMany();
  for (let count = 0; count < 6; count++) await finish(100);
  running.shift()!.fail(new DOMException('given up', 'AbortError'));
  await turn();
  expect(running).toHaveLength(8);
  running.shift()!.fail(new Error('stalled'));
  await turn();
  expect(running).toHaveLength(7);
  for (const later of [6000, 1000, 1000, 1000]) await finish(later);
  expect(running).toHaveLength(4);
});
