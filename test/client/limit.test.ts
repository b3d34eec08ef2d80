import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseHours, parseRate } from '../../client/commands/limit.ts';
import { holdAt } from '../../client/service/limits.ts';
import { SyncStatus } from '../../protocol/output/sync-status.ts';
import { openAccount, startAll, until, untilEqual } from './account.ts';

describe('a rate', () => {
  test.each([
    ['8k', 8_000],
    ['8000', 8_000],
    ['1.5M', 1_500_000],
    ['2g', 2_000_000_000],
    ['none', 'none'],
  ])('%s is understood', (text, bytes) => {
    expect(parseRate(text)).toBe(bytes);
  });

  test.each(['', 'k', '7k', '0', '-1M', '500 k', '500kB', '1e6'])('%j is refused', (text) => {
    expect(() => parseRate(text)).toThrow('A limit is bytes a second, written as 500k or 1.5M');
  });
});

describe('hours', () => {
  const at = (hour: number, minute = 0): Date => new Date(2026, 10, 30, hour, minute);

  test.each([
    ['8-18', { from: '08:00', to: '18:00' }],
    ['22:30-6', { from: '22:30', to: '06:00' }],
    ['none', 'none'],
  ])('%s are understood', (text, hours) => {
    expect(parseHours(text)).toEqual(hours);
  });

  test.each(['', '8', '8-', '8-8', '8-24', '8:60-9', '8-9-10', 'day'])('%j are refused', (text) => {
    expect(() => parseHours(text)).toThrow('Hours are written as 8-18');
  });

  test('hold from the first to the second, also over midnight, and at all times without any', () => {
    const day = { hours: { from: '08:00', to: '18:00' } };
    expect([at(7, 59), at(8), at(17, 59), at(18)].map((date) => holdAt(day, date))).toEqual([false, true, true, false]);
    const night = { hours: { from: '22:30', to: '06:00' } };
    expect([at(22, 29), at(22, 30), at(0), at(6)].map((date) => holdAt(night, date))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(holdAt({}, at(3))).toBe(true);
  });
});

test('a sync obeys its limits, also when they change while it runs, and says so', async () => {
  const account = await openAccount();
  onTestFinished(() => account.close());
  const [desk, lap] = [await account.device('desk'), await account.device('lap')];
  expect(await desk.run(['limit'])).toBe('there is no limit\n');
  await expect(desk.run(['limit', '--hours', '8-18'])).rejects.toThrow('Give --up or --down as well');
  await expect(desk.run(['limit', '--off', '--up', '9k'])).rejects.toThrow('give either --off or limits');
  startAll(desk, lap);
  await until('they rest', () => [desk, lap].every(({ events }) => events.at(-1)?.event === 'idle'));
  expect(await desk.run(['limit', '--up', '100k'])).toBe('limited to 100 kB/s up\n');
  expect(await desk.run(['limit', '--down', '2M'])).toBe('limited to 100 kB/s up and 2.0 MB/s down\n');
  await writeFile(join(desk.folder, 'limited'), randomBytes(500_000));
  const started = performance.now();
  await untilEqual(desk, lap);
  expect((performance.now() - started) / 1000).toBeGreaterThan(4);
  const status = SyncStatus.parse(JSON.parse(await desk.run(['status', '--json'])));
  expect(status.limits).toEqual({ up: 100_000, down: 2_000_000, hold: true });
  expect(await desk.run(['status'])).toMatch(/\nlimited to 100 kB\/s up and 2\.0 MB\/s down\n/);

  await desk.run(['limit', '--up', '8k']);
  await writeFile(join(desk.folder, 'freed'), randomBytes(3_000_000));
  await until('it is on its way', () => desk.events.at(-1)?.event !== 'idle');
  expect(await desk.run(['limit', '--off'])).toBe('there is no limit\n');
  // At that limit it would take six minutes.
  await untilEqual(desk, lap);
}, 120_000);
