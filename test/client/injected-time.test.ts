import { execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as reallySleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InjectedTime } from '../support/time/injected-time.ts';
import { temporaryFolder } from './folder.ts';

const HOUR = 3_600_000;

let time: InjectedTime;
let isBusy: boolean;
beforeEach(() => {
  isBusy = false;
  time = new InjectedTime(() => isBusy);
});
afterEach(() => time.close());

const half = (): number => 0.5;
const sleep = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

test('hours pass at once where nothing else is to be waited for, in their order', async () => {
  const woken: string[] = [];
  const passed = await time.run(half, async () => {
    const began = performance.now();
    const repeated = setInterval(() => woken.push('every hour'), HOUR);
    clearTimeout(setTimeout(() => woken.push('cleared'), HOUR));
    await Promise.all([
      sleep(2.5 * HOUR).then(() => woken.push('last')),
      sleep(0.5 * HOUR).then(() => woken.push('first')),
    ]);
    clearInterval(repeated);
    return performance.now() - began;
  });
  expect(woken).toEqual(['first', 'every hour', 'every hour', 'last']);
  expect(passed).toBeGreaterThanOrEqual(2.5 * HOUR);
});

test('no time passes before its time while something is under way', async () => {
  isBusy = true;
  let isWoken = false;
  const waiting = time
    .run(half, () => sleep(HOUR))
    .then(() => {
      isWoken = true;
    });
  await reallySleep(200);
  expect(isWoken).toBe(false);
  isBusy = false;
  await waiting;
});

test('a timer that is set anew counts from then on', async () => {
  const woken: string[] = [];
  await time.run(half, async () => {
    const late = setTimeout(() => woken.push('late'), HOUR);
    await sleep(0.9 * HOUR);
    late.refresh();
    await sleep(0.9 * HOUR);
    woken.push('before');
    await sleep(0.2 * HOUR);
  });
  expect(woken).toEqual(['before', 'late']);
});

test('a timer that was cleared stays so, though it is set anew', async () => {
  const woken: string[] = [];
  await time.run(half, async () => {
    const cleared = setTimeout(() => woken.push('cleared'), HOUR);
    clearTimeout(cleared);
    cleared.refresh();
    await sleep(2 * HOUR);
  });
  expect(woken).toEqual([]);
});

test('no time passes before its time while the disk is waited for', async () => {
  const pipe = join(await temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const passed = await time.run(half, async () => {
    setInterval(() => undefined, HOUR);
    const began = performance.now();
    // A pipe opens for its reader once somebody else opens it to write.
    const reading = open(pipe);
    const writing = reallySleep(200).then(() => open(pipe, 'w'));
    for (const end of await Promise.all([reading, writing])) await end.close();
    return performance.now() - began;
  });
  expect(passed).toBeLessThan(HOUR);
});

test('code outside has the time and the chance of everybody, and so has all once it is closed', async () => {
  const before = performance.now();
  const drawn = await time.run(half, async () => {
    await sleep(HOUR);
    return Math.random();
  });
  expect(drawn).toBe(0.5);
  expect(performance.now() - before).toBeLessThan(HOUR);
  expect([Math.random(), Math.random()]).not.toEqual([0.5, 0.5]);
});

test('the process has its own timers again once it is closed', () => {
  const injected = [setTimeout, setInterval, clearTimeout, clearInterval, performance.now, Math.random];
  time.close();
  const own = [setTimeout, setInterval, clearTimeout, clearInterval, performance.now, Math.random];
  expect(own.filter((each, index) => each === injected[index])).toEqual([]);
  expect(time.run(half, () => Math.random())).not.toBe(0.5);
});
