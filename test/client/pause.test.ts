import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseDuration } from '../../client/commands/pause.ts';
import { whileNotPaused } from '../../client/engine/pauses.ts';
import { instruct } from '../../client/engine/wake.ts';
import { dropPause, notePause, readPause } from '../../client/state/pause.ts';
import { pausePlace } from '../../client/state/places.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import { Explanation } from '../../protocol/output/explanation.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { SyncStatus } from '../../protocol/output/sync-status.ts';
import { type Account, openAccount, startAll, until, untilEqual } from './account.ts';
import { temporaryFolder } from './folder.ts';

describe('a time', () => {
  test.each([
    ['90s', 90_000],
    ['45m', 45 * 60_000],
    ['1h30m', 90 * 60_000],
    ['3d', 3 * 86_400_000],
  ])('%s is understood', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(['', '2', 'h', '2 h', '0m', '-1h', '2hours', '400d'])('%j is refused', (text) => {
    expect(() => parseDuration(text)).toThrow('A time is written as 45m, 2h, 1h30m or 3d');
  });
});

async function stateFolderOf(root: string): Promise<string> {
  await mkdir(join(root, '.tidemark'));
  return root;
}

describe('what is written down', () => {
  test('is over at its time, lasts without one, and is gone when it is ended', async () => {
    const root = await stateFolderOf(await temporaryFolder());
    expect(readPause(root)).toBeUndefined();
    await notePause(root, { until: 1000 });
    expect([readPause(root, 999), readPause(root, 1000)]).toEqual([{ until: 1000 }, undefined]);
    await notePause(root, {});
    expect(readPause(root)).toEqual({});
    await dropPause(root);
    expect(readPause(root)).toBeUndefined();
  });

  test('and cannot be read is a pause all the same', async () => {
    const root = await stateFolderOf(await temporaryFolder());
    await writeFile(pausePlace(root), '{"until":');
    expect(readPause(root)).toEqual({});
  });
});

test('a sync that is paused begins again when the pause is over, and ends when it is told to', async () => {
  const root = await stateFolderOf(await temporaryFolder());
  const [events, begun]: [SyncEvent[], AbortSignal[]] = [[], []];
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const work = async (signal: AbortSignal): Promise<void> => {
    begun.push(signal);
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  };
  const report = (event: SyncEvent): void => void events.push(event);
  const settings = { waits: false, onWaits: () => undefined };
  const sync = whileNotPaused({ root, settings, report, signal: stop.signal, once: false }, work);
  await until('it works', () => begun.length === 1);
  const end = Date.now() + 1500;
  await notePause(root, { until: end });
  instruct(root, 'read-pause');
  await until('it obeys', () => begun[0]!.aborted, 1);
  await until('it works again', () => begun.length === 2, 5);
  expect(Date.now()).toBeGreaterThanOrEqual(end);
  expect(events).toEqual([{ event: 'paused', until: end }, { event: 'resumed' }]);
  await notePause(root, {});
  instruct(root, 'read-pause');
  await until('it is paused again', () => events.at(-1)?.event === 'paused', 1);
  stop.abort();
  await sync;
  expect(begun).toHaveLength(2);
});

describe('a paused folder', () => {
  let account: Account;
  let desk: Device;
  let lap: Device;
  beforeAll(async () => {
    account = await openAccount();
    [desk, lap] = [await account.device('desk'), await account.device('lap')];
    for (const name of ['edited', 'deleted here', 'deleted there', 'kept'])
      await writeFile(join(desk.folder, name), name);
    startAll(desk, lap);
    await untilEqual(desk, lap);
  });
  afterAll(() => account.close());

  const statusOf = async (device: Device): Promise<SyncStatus> =>
    SyncStatus.parse(JSON.parse(await device.run(['status', '--json'])));

  test('neither sends nor takes anything, also after a restart, and comes to the same afterwards', async () => {
    const { paused } = JSON.parse(await desk.run(['pause', '--for', '2h', '--json']));
    await until('it obeys', () => desk.events.at(-1)?.event === 'paused', 1);
    expect(paused.until).toBeGreaterThan(Date.now() + 7_000_000);
    expect(await desk.run(['status'])).toMatch(/\npaused until \d{4}-\d\d-\d\d [\d:]{8}, at change/);

    await rm(join(desk.folder, 'deleted here'));
    await rm(join(lap.folder, 'deleted there'));
    await writeFile(join(desk.folder, 'new here'), 'h');
    await writeFile(join(lap.folder, 'edited'), 'edited there');
    await desk.stopSync();
    expect(await statusOf(desk)).toMatchObject({ running: false, paused });
    const before = desk.events.length;
    startAll(desk);
    await until('it is paused after a restart', () => desk.events.slice(before).at(-1)?.event === 'paused');
    await until('the other device has sent all', () => lap.events.at(-1)?.event === 'idle');
    await sleep(500);
    expect(await readFile(join(desk.folder, 'edited'), 'utf8')).toBe('edited');
    expect(await readFile(join(lap.folder, 'deleted here'), 'utf8')).toBe('deleted here');
    const explained = Explanation.parse(JSON.parse(await lap.run(['explain', join(lap.folder, 'edited'), '--json'])));
    expect(explained.state).toBe('synced');
    await expect(desk.run(['sync', '--once'])).rejects.toThrow(/is being synced by another process/);

    expect(await desk.run(['resume'])).toBe(`${desk.folder} goes on\n`);
    await untilEqual(desk, lap);
    expect(await readFile(join(desk.folder, 'edited'), 'utf8')).toBe('edited there');
    expect(await readFile(join(lap.folder, 'new here'), 'utf8')).toBe('h');
    for (const device of [desk, lap]) {
      const status = await statusOf(device);
      expect(status).toMatchObject({ files: 3, pending: [], problems: [] });
      expect(status).not.toHaveProperty('paused');
    }
  });

  test('is said to be so where nothing runs, and a sync that is to end refuses', async () => {
    await desk.stopSync();
    expect(await desk.run(['pause'])).toBe(`${desk.folder} is paused until 'tidemark resume'; no sync is running\n`);
    expect(await desk.run(['status'])).toContain("paused until 'tidemark resume', and not running, at change");
    await expect(desk.run(['sync', '--once'])).rejects.toThrow(/paused until 'tidemark resume': run 'tidemark resume'/);
    await expect(desk.run(['pause', '--for', 'ever'])).rejects.toThrow(/A time is written as/);
    await expect(desk.run(['pause', '/nowhere'])).rejects.toThrow(/\/nowhere is not synced/);
    await desk.run(['resume']);
    expect(await desk.run(['resume'])).toBe(`${desk.folder} was not paused; no sync is running\n`);
    await desk.run(['sync', '--once']);
  });
});
