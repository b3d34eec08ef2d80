import { expect, test, vi } from 'vitest';
import { Clock } from '../../client/engine/clock.ts';
import { ask } from '../../client/service/ask.ts';
import { serveTls } from './cdn.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A clock at a time that the test sets; `pass` moves it on. */
function clockOf(start = 5_000_000): { clock: Clock; pass(milliseconds: number): void } {
  let now = start;
  return {
    clock: new Clock(() => now),
    pass: (milliseconds) => {
      now += milliseconds;
    },
  };
}

test('the changes are read every minute, or every ten minutes while pushes arrive', () => {
  const { clock, pass } = clockOf();
  expect(clock.pollIsDue).toBe(false);
  pass(MINUTE - 1);
  expect(clock.pollIsDue).toBe(false);
  pass(1);
  expect(clock.pollIsDue).toBe(true);
  clock.connected = true;
  clock.polled();
  pass(10 * MINUTE - 1);
  expect(clock.pollIsDue).toBe(false);
  pass(1);
  expect(clock.pollIsDue).toBe(true);
});

test('while the service says that all pushes arrived, the changes are read every two hours', () => {
  const { clock, pass } = clockOf();
  clock.connected = true;
  clock.polled();
  for (let pings = 0; pings < 160; pings++) {
    expect(clock.pollIsDue).toBe(false);
    pass(45 * SECOND);
    clock.heardAll();
  }
  expect(clock.pollIsDue).toBe(true);
  clock.polled();
  pass(45 * SECOND);
  clock.heardAll();
  pass(10 * MINUTE - 1);
  expect(clock.pollIsDue).toBe(false);
  pass(1);
  expect(clock.pollIsDue, 'ten minutes after it last said so').toBe(true);
});

test('the folder is looked at every minute, or less often where looking takes long, and sooner once something happened', () => {
  const { clock, pass } = clockOf();
  /** Whole seconds until the next look. */
  const untilLook = (): number => {
    for (let seconds = 0; ; seconds++) {
      if (clock.rescanIsDue) return seconds;
      pass(SECOND);
    }
  };
  const afterALookOf = (seconds: number, stirred: boolean): number => {
    clock.rescanned(seconds * SECOND);
    if (stirred) clock.stirred();
    return untilLook();
  };
  expect(untilLook()).toBe(60);
  expect([0.1, 1, 2, 4, 100].map((seconds) => afterALookOf(seconds, false))).toEqual([60, 200, 400, 600, 600]);
  expect([0.1, 1, 4, 20, 100].map((seconds) => afterALookOf(seconds, true))).toEqual([60, 60, 80, 400, 600]);
});

test('the folder is looked at every ten seconds once it cannot be watched', () => {
  const { clock, pass } = clockOf();
  clock.degrade();
  expect(clock.rescanIsDue).toBe(false);
  for (let times = 0; times < 3; times++) {
    pass(10 * SECOND);
    expect(clock.rescanIsDue).toBe(true);
    clock.rescanned(SECOND);
    expect(clock.rescanIsDue).toBe(false);
  }
});

test('lost blocks are asked for at once, and then once an hour at most', () => {
  const { clock, pass } = clockOf();
  expect([clock.takeHeal(), clock.takeHeal()]).toEqual([true, false]);
  pass(60 * MINUTE - 1);
  expect(clock.takeHeal()).toBe(false);
  pass(1);
  expect([clock.takeHeal(), clock.takeHeal()]).toEqual([true, false]);
});

test('the rest ends with what is due first', () => {
  const { clock, pass } = clockOf();
  expect(clock.untilDue).toBe(MINUTE);
  pass(20 * SECOND);
  expect(clock.untilDue).toBe(40 * SECOND);
  clock.degrade();
  expect(clock.untilDue).toBe(10 * SECOND);
  pass(15 * SECOND);
  expect(clock.untilDue).toBeLessThan(0);
});

test('a certificate whose time has not come is said with what the clock here says', async () => {
  const nextYear = Date.now() + 365 * 24 * 60 * MINUTE;
  vi.useFakeTimers({ toFake: ['Date'], now: nextYear });
  const url = await serveTls((_request, response) => response.end('early')).finally(() => vi.useRealTimers());
  const year = new Date().getFullYear();
  await expect(ask('the service', url, { timeoutMs: 30_000 })).rejects.toThrow(
    new RegExp(`does not answer: certificate is not yet valid.*, by this machine's clock, which says .* ${year} `),
  );
});
