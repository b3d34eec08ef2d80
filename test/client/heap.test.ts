import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Heap } from '../../client/engine/heap.ts';
import { soon } from '../support/soon.ts';

const MIB = 1024 * 1024;
let size: number;
let young: number;
let collected: number;
let flags: string[];
let heap: Heap;

beforeEach(() => {
  vi.useFakeTimers();
  [size, young, collected, flags] = [20 * MIB, 2 * MIB, 0, []];
  const collect = async (): Promise<void> => {
    collected++;
    size = 22 * MIB;
  };
  heap = new Heap({ size: () => size, youngSize: () => young, collect, setFlag: (flag) => flags.push(flag) });
});
afterEach(() => vi.useRealTimers());

test('memory is given back once a sync has rested for a while, and not while it works', async () => {
  size = 200 * MIB;
  heap.rests();
  await vi.advanceTimersByTimeAsync(4_000);
  heap.works();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(collected).toBe(0);
  heap.rests();
  await vi.advanceTimersByTimeAsync(5_000);
  expect([collected, size]).toEqual([1, 22 * MIB]);
});

test('what a start took is given back, and later what is not much more than before is left', async () => {
  const restWith = async (mib: number): Promise<number> => {
    size = mib * MIB;
    heap.rests();
    await vi.advanceTimersByTimeAsync(5_000);
    return collected;
  };
  expect([await restWith(40), await restWith(29), await restWith(31)]).toEqual([1, 1, 2]);
});

test('a small heap may grow to four times what is in use, a large one by half of that, and a huge one by a quarter', () => {
  for (const mib of [20, 100, 200, 300, 600, 900, 500, 100]) {
    vi.advanceTimersByTime(50);
    size = mib * MIB;
    heap.works();
  }
  const growth = (percent: number): string => `--heap-growing-percent=${percent}`;
  expect(flags.filter((flag) => flag.includes('percent'))).toEqual([300, 50, 25, 50, 300].map(growth));
});

test('what is new in the heap takes no more than 32 MiB by itself', () => {
  for (const mib of [2, 16, 32, 64, 8]) {
    vi.advanceTimersByTime(50);
    young = mib * MIB;
    heap.works();
  }
  const factor = (times: number): string => `--semi-space-growth-factor=${times}`;
  expect(flags.filter((flag) => flag.includes('space'))).toEqual([factor(2), factor(1), factor(2)]);
});

test('the runtime collects, and its heap is smaller then', async () => {
  vi.useRealTimers();
  let garbage: unknown[] | undefined = Array.from({ length: 400_000 }, (_, nth) => ({ path: `path ${nth}` }));
  expect(garbage.length).toBe(400_000);
  garbage = undefined;
  const before = process.memoryUsage().heapUsed;
  const resting = new Heap();
  vi.useFakeTimers();
  resting.rests();
  vi.advanceTimersByTime(5_000);
  vi.useRealTimers();
  await soon(() => expect(process.memoryUsage().heapUsed).toBeLessThan(before - 20 * MIB));
});
