import { appendFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LogBook, readLog } from '../../client/output/log-book.ts';
import { RotatingFile, readNewestFirst } from '../../client/output/rotating-file.ts';
import { LogEntry } from '../../protocol/output/log-entry.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { openAccount, startAll, until, untilEqual } from './account.ts';
import { temporaryFolder } from './folder.ts';

describe('a rotating file', () => {
  test('never grows beyond its bound, with an older one of the same', async () => {
    const place = join(await temporaryFolder(), 'log');
    const file = new RotatingFile(place, 1000);
    onTestFinished(() => file.close());
    for (let number = 0; number < 100; number++) {
      file.add(`${number}`.padStart(49, '.'));
      file.flush();
    }
    expect((await stat(place)).size).toBeLessThanOrEqual(1000);
    expect((await stat(`${place}.1`)).size).toBe(1000);
    const numbers = [...readNewestFirst(place)].map((line) => Number(line.replaceAll('.', '')));
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => 99 - index));
    expect(numbers.length).toBeGreaterThanOrEqual(20);
  });

  test('goes on after a crash in the middle of a line', async () => {
    const place = join(await temporaryFolder(), 'log');
    await writeFile(place, 'whole\nhal');
    const file = new RotatingFile(place, 1000);
    file.add('next');
    file.close();
    expect([...readNewestFirst(place)]).toEqual(['next', 'hal', 'whole']);
  });

  test('that the disk does not take stops nobody', async () => {
    const file = new RotatingFile(join(await temporaryFolder(), 'no such folder/log'), 1000);
    file.add('lost');
    file.close();
  });
});

describe('what is written down', () => {
  const problem = (message: string): SyncEvent => ({ event: 'error', code: 'not_synced', path: 'link', message });
  const written = (place: string): SyncEvent[] => [...readLog(place)].map(({ happened }) => happened).reverse();

  function noted(place: string, events: readonly SyncEvent[]): SyncEvent[] {
    const book = new LogBook(place);
    for (const event of events) book.note(event);
    book.close();
    return written(place);
  }

  test('leaves out what passes, and a connection that was never away', async () => {
    const place = join(await temporaryFolder(), 'log');
    const deleted: SyncEvent = { event: 'deleted', path: 'a', version: 2, at: 5, side: 'local' };
    const events: SyncEvent[] = [
      { event: 'online' },
      { event: 'scan', files: 1, done: true },
      { event: 'progress', path: 'a', bytes: 1, file_bytes: 2, side: 'local' },
      deleted,
      { event: 'offline', message: 'away' },
      { event: 'online' },
      { event: 'idle', cursor: 1, left_out: 0 },
    ];
    expect(noted(place, events)).toEqual([deleted, { event: 'offline', message: 'away' }, { event: 'online' }]);
    expect([...readLog(place)].at(-1)?.at).toBe(5);
  });

  test('has a problem once, however often a start finds it again, and again when it is another or comes back', async () => {
    const place = join(await temporaryFolder(), 'log');
    noted(place, [problem('is a link'), problem('is a link')]);
    expect(noted(place, [problem('is a link')])).toHaveLength(1);
    expect(noted(place, [problem('cannot be read')])).toHaveLength(2);
    const solved: SyncEvent = { event: 'deleted', path: 'link', version: 2, at: 5, side: 'remote' };
    expect(noted(place, [solved, problem('cannot be read')])).toHaveLength(4);
  });

  test('is found by what it concerns, under old names as well; a line that cannot be read is passed over', async () => {
    const place = join(await temporaryFolder(), 'log');
    const moved: SyncEvent = { event: 'renamed', path: 'new/a', from: 'old/a', version: 2, at: 1, side: 'local' };
    const beside: SyncEvent = { event: 'deleted', path: 'old-fashioned', version: 2, at: 1, side: 'local' };
    noted(place, [moved, beside]);
    await appendFile(place, '{"at":1,"happened":{"event":"dance"}}\nno JSON\n');
    const found = (inside: string): SyncEvent[] => [...readLog(place, inside)].map(({ happened }) => happened);
    expect([found('old'), found('new/a'), found('old-fashioned'), found('n')]).toEqual([
      [moved],
      [moved],
      [beside],
      [],
    ]);
    expect(written(place)).toEqual([moved, beside]);
  });
});

test('`log` says what happened, newest first, and which device did what arrived', { timeout: 180_000 }, async () => {
  const account = await openAccount();
  onTestFinished(() => account.close());
  const [desk, lap] = [await account.device('desk'), await account.device('lap')];
  startAll(desk, lap);
  await untilEqual(desk, lap);
  await mkdir(join(desk.folder, 'docs'));
  await writeFile(join(desk.folder, 'docs/report'), 'first');
  await untilEqual(desk, lap);
  await rename(join(desk.folder, 'docs/report'), join(desk.folder, 'docs/final'));
  await untilEqual(desk, lap);
  // A file that is gone before its new name is agreed on was renamed there and deleted here, and comes back.
  await until('the new name is agreed on', () => lap.events.some(({ event }) => event === 'renamed'));
  await rm(join(lap.folder, 'docs/final'));
  await symlink('../nowhere', join(lap.folder, 'link'));
  await until('the deletion arrived', () => desk.events.some(({ event }) => event === 'deleted'));

  const entries = async (device: typeof lap, ...words: string[]): Promise<LogEntry[]> => {
    const lines = await device.run(['log', ...words, '--json']);
    return lines
      .trimEnd()
      .split('\n')
      .map((line) => LogEntry.parse(JSON.parse(line)));
  };
  const told = async (device: typeof lap): Promise<string[]> =>
    (await entries(device)).map(({ happened, device: by }) => {
      const path = 'path' in happened ? happened.path : '';
      return `${happened.event} ${path} ${by ?? ''}`.trim();
    });
  await until('the name of the device is known', async () => (await told(lap)).includes('renamed docs/final desk'));
  expect((await told(lap)).reverse()).toEqual(
    expect.arrayContaining(['directory docs desk', 'downloaded docs/report desk', 'renamed docs/final desk']),
  );
  await until('the deletion is written down', async () => (await told(desk)).includes('deleted docs/final lap'));
  expect((await told(desk))[0]).toBe('deleted docs/final lap');
  const text = await desk.run(['log', join(desk.folder, 'docs/report')]);
  expect(text).toMatch(
    /^\d{4}-\d\d-\d\d [\d:]{8} {2}up {4}docs\/report is now docs\/final\n.*up {4}docs\/report {2}\d+ B of 5 B\n$/,
  );
  expect(await entries(desk, '--lines', '2')).toHaveLength(2);
  await expect(desk.run(['log', '--lines', '0'])).rejects.toThrow(/whole number, 1 or more/);
  await expect(desk.run(['log', '/'])).rejects.toThrow(/is not inside a synced folder/);
  await until('the problem is written down', async () => (await told(lap)).includes('error link'));
  expect(await readFile(join(lap.folder, '.tidemark/log.jsonl'), 'utf8')).toContain(
    'a symbolic link that points out of the folder',
  );
});

test('`sync --log-file` writes there what it says, with the time, and why it ended', { timeout: 180_000 }, async () => {
  const account = await openAccount();
  onTestFinished(() => account.close());
  const desk = await account.device('desk');
  await writeFile(join(desk.folder, 'note'), 'n');
  const place = join(await temporaryFolder(), 'logs/tidemark.log');
  expect(await desk.run(['sync', desk.folder, '--once', '--log-file', place])).toBe('');
  const time = String.raw`\d{4}-\d\d-\d\d [\d:]{8} {2}`;
  expect(await readFile(place, 'utf8')).toMatch(new RegExp(`\n${time}up {4}note .*\n${time}up to date\n$`));
  await desk.run(['pause']);
  await expect(desk.run(['sync', '--once', '--log-file', place])).rejects.toThrow(/paused/);
  expect(await readFile(place, 'utf8')).toMatch(new RegExp(`${time}tidemark: paused until .*resume'\n$`));
});
