import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
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

const BYTES = 4_000_000;

/** Begins a transfer; the test ends it. */
function begin(moved = BYTES, expected?: number): void {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  window
    .run(
      () => {
        running.push({ end: resolve, fail: reject });
        return promise;
      },
      () => moved,
      expected,
    )
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
  for (let count = 0; count < 500; count++) begin();
  await turn();
}

/** Lets all that go on end together after so long. */
async function finishAll(milliseconds: number): Promise<void> {
  now += milliseconds;
  for (const { end } of running.splice(0)) end();
  await turn();
}

/** How many go on at once, after each of so many turns in which all that do end. */
async function turns(count: number, milliseconds: (atOnce: number) => number): Promise<number[]> {
  const seen: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    await finishAll(milliseconds(running.length));
    seen.push(running.length);
  }
  return seen;
}

const longWay = (): number => 100;
const full = (atOnce: number): number => 100 * atOnce;

test('more go on at once while all of them together are faster, up to eight', async () => {
  await beginMany();
  expect(running).toHaveLength(2);
  expect(await turns(5, longWay)).toEqual([4, 8, 8, 8, 8]);
});

test('where two fill the link more are tried now and then, and not kept', async () => {
  await beginMany();
  const seen = await turns(60, full);
  expect(seen.filter((size) => size > 2)).toEqual(Array.from({ length: 6 }, () => 4));
  expect(Math.max(...seen)).toBe(4);
});

test('on another link it is found out again', async () => {
  await beginMany();
  await turns(9, full);
  expect(Math.max(...(await turns(9, longWay)))).toBe(8);
});

test('what moved nothing says nothing of the link', async () => {
  await beginMany();
  for (let count = 0; count < 20; count++) {
    await finishAll(200);
    begin(0);
    now += 1;
    await turn();
  }
  const before = running.length;
  for (let count = 0; count < 500; count++) begin(0);
  while (running.length > 0) await finishAll(1);
  await beginMany();
  expect(running).toHaveLength(before);
});

test('what has no company says nothing of how fast all would be', async () => {
  for (let count = 0; count < 20; count++) {
    begin();
    await finish(100);
  }
  await beginMany();
  expect(running).toHaveLength(2);
});

test('those of known size begin half of their share of the time after each other, also where others ended together', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const pass = async (milliseconds: number): Promise<number> => {
    now += milliseconds;
    vi.advanceTimersByTime(milliseconds);
    await turn();
    return running.length;
  };
  for (let count = 0; count < 6; count++) begin(BYTES, BYTES);
  await turn();
  expect([running.length, await pass(299), await pass(1)]).toEqual([1, 1, 2]);
  await finishAll(400);
  expect([running.length, await pass(99), await pass(1)]).toEqual([1, 1, 2]);
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
  await turns(3, longWay);
  running.shift()!.fail(new DOMException('given up', 'AbortError'));
  await turn();
  expect(running).toHaveLength(8);
  running.shift()!.fail(new Error('stalled'));
  await turn();
  expect(running).toHaveLength(7);
  for (const later of [6000, 1000, 1000, 1000]) await finish(later);
  expect(running).toHaveLength(4);
});
