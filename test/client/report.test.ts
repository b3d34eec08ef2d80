import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ClientError, LocalTrouble } from '../../client/common/errors.ts';
import { Standstill } from '../../client/engine/standstill.ts';
import { Trouble } from '../../client/engine/trouble.ts';
import { humanReport } from '../../client/output/human-report.ts';
import { Pace } from '../../client/output/pace.ts';
import { trackProgress } from '../../client/output/progress.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';

describe('what a person reads', () => {
  function printed(events: readonly SyncEvent[], terminal?: { columns: number }): string {
    const output = Object.assign(new PassThrough(), terminal && { isTTY: true, ...terminal });
    const report = humanReport(output);
    for (const event of events) report(event);
    return (output.read() as Buffer | null)?.toString() ?? '';
  }
  const idle = (left_out: number): SyncEvent => ({ event: 'idle', cursor: 1, left_out });
  const progress = (path: string, bytes: number): SyncEvent => ({ event: 'progress', path, bytes, file_bytes: 1e9 });

  test('is "up to date" only when nothing was left out', () => {
    expect(printed([idle(0)])).toBe('up to date\n');
    expect(printed([idle(1)])).toBe("not synced: 1 path; 'tidemark status' says why\n");
  });

  test('is not said again when nothing happened in between', () => {
    expect(
      printed([idle(2), progress('a', 5), idle(2), idle(0), idle(2)])
        .trim()
        .split('\n'),
    ).toHaveLength(3);
  });

  test('on a terminal has progress of everything on one line that fits', () => {
    const line = printed([{ event: 'transfers', files: 2, bytes: 2e9 }, progress('x'.repeat(300), 5e8)], {
      columns: 60,
    });
    expect(line).toMatch(/^ +25% of 2.0 GB .*500 MB of 1.0 GB {2}x+…$/);
    expect(line).toHaveLength(59);
    const wide = printed([progress('漢'.repeat(100), 1)], { columns: 60 });
    expect([...wide].filter((character) => character === '漢').length * 2).toBeLessThan(60);
  });

  test('obeys no control character of a name', () => {
    expect(printed([{ event: 'error', code: 'not_synced', path: 'a\u001b[2Jb', message: 'no' }])).toBe(
      '!     a\ufffd[2Jb: no\n',
    );
  });
});

test('speed and time left are those of the last ten seconds', () => {
  const pace = new Pace();
  pace.note({ event: 'transfers', files: 1, bytes: 100e6 }, 0);
  const at = (seconds: number, bytes: number): void =>
    pace.note({ event: 'progress', path: 'a', bytes, file_bytes: 100e6 }, seconds * 1000);
  at(10, 1e6);
  at(20, 21e6);
  at(30, 61e6);
  expect(pace.describe()).toBe('61% of 100 MB  4.0 MB/s  10 s left');
});

test('how far a file is goes on being told while the clock is set back', () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const told: number[] = [];
  const moved = trackProgress((event) => void (event.event === 'progress' && told.push(event.bytes)), 'a', 1000);
  for (let second = 0; second < 3; second++) {
    vi.advanceTimersByTime(1000);
    vi.setSystemTime(Date.now() - 3_600_000);
    moved(100);
  }
  expect(told).toEqual([100, 200, 300]);
});

describe('trouble of this machine', () => {
  test('is shown once, and tried again later each time', () => {
    const shown: unknown[] = [];
    const trouble = new Trouble((event) => shown.push(event), false);
    const full = (): number => trouble.meet(new LocalTrouble('the disk is full'));
    expect([full(), full(), full(), full()]).toEqual([1000, 2000, 4000, 8000]);
    expect(shown).toEqual([{ event: 'error', code: 'local', message: 'the disk is full' }]);
    trouble.end();
    expect(full()).toBe(1000);
    expect(shown).toHaveLength(2);
  });

  test('ends a sync that is to end', () => {
    const trouble = new Trouble(() => undefined, true);
    const full = (): number => trouble.meet(new LocalTrouble('the disk is full'));
    expect([full(), full()]).toEqual([1000, 2000]);
    expect(full).toThrow(ClientError);
  });

  test('is nothing that the program itself did wrong', () => {
    const trouble = new Trouble(() => undefined, false);
    expect(() => trouble.meet(new TypeError('no function'))).toThrow('no function');
  });
});

test('a plan that comes again and again is a standstill, one that changes is not', () => {
  const standstill = new Standstill();
  const adopt = { do: 'adopt', path: 'a' } as const;
  expect([1, 2, 3, 4].map(() => standstill.isOne([adopt]))).toEqual([false, false, false, true]);
  expect(standstill.isOne([adopt, { do: 'forget', path: 'b' }])).toBe(false);
});
