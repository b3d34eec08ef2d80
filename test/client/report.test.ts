import { PassThrough } from 'node:stream';
import headless from '@xterm/headless';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ClientError, LocalTrouble } from '../../client/common/errors.ts';
import { Standstill } from '../../client/engine/standstill.ts';
import { Trouble } from '../../client/engine/trouble.ts';
import { humanReport } from '../../client/output/human-report.ts';
import { Pace } from '../../client/output/pace.ts';
import { trackProgress } from '../../client/output/progress.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';

const { Terminal } = headless;

describe('what a person reads', () => {
  function printed(events: readonly SyncEvent[], terminal?: { columns: number; rows?: number }): string {
    const output = Object.assign(new PassThrough(), terminal && { isTTY: true, ...terminal });
    const report = humanReport(output);
    for (const event of events) report(event);
    return (output.read() as Buffer | null)?.toString() ?? '';
  }
  const idle = (left_out: number): SyncEvent => ({ event: 'idle', cursor: 1, left_out });
  const progress = (path: string, bytes: number): SyncEvent => ({
    event: 'progress',
    path,
    bytes,
    file_bytes: 1e9,
    side: 'local',
  });

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

  /** What is to be read on a terminal of so many columns then. */
  async function shown(events: readonly SyncEvent[], columns: number): Promise<string[]> {
    const terminal = new Terminal({ cols: columns, rows: 24, convertEol: true, allowProposedApi: true });
    await new Promise<void>((done) => terminal.write(printed(events, { columns }), done));
    const { active } = terminal.buffer;
    const lines = Array.from({ length: active.length }, (_, row) => active.getLine(row)!.translateToString(true));
    return lines.filter((line) => line !== '');
  }

  test('on a terminal has what moves below what happened, each file on a line that fits', async () => {
    const events: SyncEvent[] = [
      { event: 'transfers', files: 2, bytes: 2e9 },
      progress('x'.repeat(300), 5e8),
      { event: 'directory', path: 'photos', version: 1, at: 0, side: 'local' },
      progress('漢'.repeat(100), 5e8),
      { event: 'progress', path: 'film', bytes: 1e8, file_bytes: 2e8, side: 'remote' },
    ];
    const lines = await shown(events, 60);
    expect(lines).toEqual([
      'down  photos/',
      expect.stringMatching(/^ {6}55% of 2\.0 GB/),
      expect.stringMatching(/^down {2}50% of 1\.0 GB {2}x+…$/),
      expect.stringMatching(/^down {2}50% of 1\.0 GB {2}漢+…$/),
      'up    50% of 200 MB  film',
    ]);
    expect(lines[2]).toHaveLength(59);
  });

  test('on a terminal says of many files how many more there are, and nothing when all is done', async () => {
    const many = Array.from({ length: 9 }, (_, index) => progress(`file ${index}`, 1));
    expect((await shown(many, 60)).at(-1)).toBe('      and 4 more');
    const begun: SyncEvent = { event: 'transfers', files: 9, bytes: 9e9 };
    expect(await shown([begun, ...many, idle(0)], 60)).toEqual(['up to date']);
  });

  test('on a terminal of no known size is the same as on one of the usual size', () => {
    const events = [progress('film', 1)];
    expect(printed(events, { columns: 0, rows: 0 })).toBe(printed(events, { columns: 80, rows: 24 }));
    expect(printed(events, { columns: 0, rows: 0 })).toContain('film');
  });

  test('in a pipe has no line of what moves', () => {
    expect(printed([progress('film', 1), { event: 'scan', files: 3, done: false }])).toBe('');
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
    pace.note({ event: 'progress', path: 'a', bytes, file_bytes: 100e6, side: 'local' }, seconds * 1000);
  at(10, 1e6);
  at(20, 21e6);
  at(30, 61e6);
  expect(pace.describe()).toBe('61% of 100 MB  4.0 MB/s  10 s left');
});

test('how far a file is goes on being told while the clock is set back', () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const told: number[] = [];
  const moved = trackProgress((event) => void (event.event === 'progress' && told.push(event.bytes)), 'a', 1000, {
    side: 'local',
  });
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
  const known = (): number => 1;
  expect([1, 2, 3, 4].map(() => standstill.isOne([adopt], known))).toEqual([false, false, false, true]);
  expect(standstill.isOne([adopt, { do: 'forget', path: 'b' }], known)).toBe(false);
});

test('a file that others save again and again is fetched each time: that is no standstill', () => {
  const standstill = new Standstill();
  const download = { do: 'download', path: 'a' } as const;
  expect([1, 1, 2, 2, 3, 3].map((version) => standstill.isOne([download], () => version))).not.toContain(true);
});
