import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { BlockCache } from '../../client/disk/block-cache.ts';
import { DiskRoom } from '../../client/disk/disk-room.ts';
import { DiskChanged } from '../../client/disk/stamps.ts';
import { watchFolder } from '../../client/disk/watch.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { type Disk, fuseIsPossible, mountDisk } from '../support/fuse/disk.ts';
import { type Account, openAccount, startAll, until } from './account.ts';
import { temporaryFolder } from './folder.ts';

let account: Account;
let devices = 0;

beforeAll(async () => {
  account = await openAccount();
  // The first call of each function of a service takes long.
  await account.syncOnce(await newDevice());
});
afterAll(() => account.close());

const newDevice = (): Promise<Device> => account.device(`device ${++devices}`);
describe('a sync that left something out', () => {
  test('does not end with 0, and does not say "up to date"', async () => {
    const device = await newDevice();
    await writeFile(join(device.folder, 'bell\u0007'), 'x');
    await writeFile(join(device.folder, 'good'), 'x');
    const said = await endOf(['sync', device.folder, '--once'], device);
    expect(said.code).toBe(6);
    expect(said.text).toContain("not synced: 1 path; 'tidemark status' says why");
    expect(said.text).toContain("1 paths could not be synced; see 'tidemark status'");
    expect(said.text).not.toContain('up to date');
    await rm(join(device.folder, 'bell\u0007'));
    expect((await endOf(['sync', '--once'], device)).code).toBe(0);
  });

  test('that a signal ends half way did not succeed', async () => {
    const device = await newDevice();
    await writeFile(join(device.folder, 'a'), 'x');
    const child = spawn(process.execPath, [...account.commandOf(device), 'sync', device.folder, '--once', '--json']);
    for await (const line of createInterface({ input: child.stdout })) {
      if ((JSON.parse(line) as SyncEvent).event === 'scan') child.kill('SIGTERM');
    }
    const [code] = await once(child, 'exit');
    expect(code).toBe(130);
  });
});

describe('what is in the way of any sync', () => {
  test('rules that cannot be read are named, and nothing is synced by other rules meanwhile', async () => {
    const device = await newDevice();
    await mkdir(join(device.folder, '.tidemarkignore'));
    await writeFile(join(device.folder, 'secret'), 'x');
    const { code, text } = await endOf(['sync', device.folder, '--once'], device);
    expect([code, text]).toEqual([
      1,
      expect.stringMatching(/^tidemark: .tidemarkignore cannot be read, so nothing is synced: a folder is where/m),
    ]);
    expect(text).not.toContain('up  ');
    expect(text).not.toMatch(/^ +at /m);
  });

  test('a damaged or empty state is named with what to do, and --start-anew does it', async () => {
    const device = await newDevice();
    await writeFile(join(device.folder, 'kept'), 'x');
    await device.run(['sync', device.folder, '--once']);
    const place = join(device.folder, '.tidemark/state.db');
    const refused = [4, expect.stringMatching(/^tidemark: .+ is damaged or empty: sync again with --start-anew.+\n$/)];
    await truncate(place);
    expect(Object.values(await endOf(['sync', '--once'], device))).toEqual(refused);
    await writeFile(place, 'garbage '.repeat(1000));
    expect(Object.values(await endOf(['sync', '--once'], device))).toEqual(refused);
    expect(Object.values(await endOf(['status'], device))).toEqual(refused);
    await writeFile(join(device.folder, '.tidemark/lock.db'), 'garbage '.repeat(1000));
    await device.run(['sync', '--once', '--start-anew']);
    expect(await readFile(join(device.folder, 'kept'), 'utf8')).toBe('x');
  });

  test('a directory that may not be read does not make the others unwatched', async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, 'closed'));
    await chmod(join(root, 'closed'), 0);
    await chmod(root, 0o755);
    const onDegraded = vi.fn();
    const watch = watchFolder(root, { onChange: () => undefined, onDegraded });
    const isRoot = process.getuid!() === 0;
    if (isRoot) process.seteuid!(65_534);
    try {
      watch.directory('');
      watch.directory('closed');
    } finally {
      if (isRoot) process.seteuid!(0);
      watch.close();
    }
    expect(onDegraded).not.toHaveBeenCalled();
  });
});

describe('an operation that fails again and again', () => {
  test('because the disk is another each time waits longer each time, and is shown once', async () => {
    const device = await newDevice();
    const shown: SyncEvent[] = [];
    const it = await account.openSync(device, undefined, (event) => shown.push(event));
    onTestFinished(() => it.state.close());
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    let tries = 0;
    for (const end = Date.now() + 600_000; Date.now() < end; vi.advanceTimersByTime(50)) {
      if (!it.failures.mayTry('a')) continue;
      tries++;
      it.failures.failEach(['a'], new DiskChanged('/x/.tidemark-tmp-123 is in the way'));
    }
    expect(tries).toBeGreaterThan(5);
    // A minute at most, of which the jitter may leave a half, and going along with others a half of that.
    expect(tries).toBeLessThan(60);
    expect(shown).toEqual([expect.objectContaining({ path: 'a', message: expect.stringContaining('follows once') })]);
  });

  test('with a random name in its message is shown once', async () => {
    const shown: SyncEvent[] = [];
    const it = await account.openSync(await newDevice(), undefined, (event) => shown.push(event));
    onTestFinished(() => it.state.close());
    for (const name of ['one', 'two', 'three']) {
      const error = new Error(`EACCES: permission denied, open '/x/.tidemark-tmp-${name}'`);
      it.failures.failEach(['a'], Object.assign(error, { code: 'EACCES', syscall: 'open' }));
    }
    expect(shown).toHaveLength(1);
    expect(it.state.problems()).toEqual([{ path: 'a', message: 'permission denied (EACCES)' }]);
  });
});

describe.skipIf(!fuseIsPossible)('the room of a disk', () => {
  let disk: Disk;
  beforeAll(async () => {
    disk = await mountDisk('faults');
  });
  afterAll(() => disk.close());

  test('is looked at before a download: what does not fit is listed, and comes once it does', async () => {
    const desk = await newDevice();
    const lap = await account.device('small disk', { place: join(disk.root, 'lap') });
    await mkdir(join(desk.folder, 'room'));
    await writeFile(join(desk.folder, 'room/film'), Buffer.alloc(300_000, 1));
    await writeFile(join(desk.folder, 'room/note'), 'x');
    await account.syncOnce(desk);
    await disk.claimRoom(268_435_456 + 100_000);
    await disk.counts();
    await expect(account.syncOnce(lap)).rejects.toThrow("1 paths could not be synced; see 'tidemark status'");
    expect(await readFile(join(lap.folder, 'room/note'), 'utf8')).toBe('x');
    const status = JSON.parse(await lap.run(['status', '--json'])) as { problems: unknown; pending: unknown };
    expect(status).toMatchObject({
      pending: [],
      problems: [{ path: 'room/film', message: expect.stringContaining('the disk has no room for its 300 kB') }],
    });
    await disk.claimRoom(null);
    await account.syncOnce(lap);
    expect((await readFile(join(lap.folder, 'room/film'))).length).toBe(300_000);
  });

  test('that files need is taken from the cache, and what one file was promised no other one gets', async () => {
    const root = join(disk.root, 'rooms');
    await mkdir(root);
    const cache = new BlockCache(root, 1e6, async () => true);
    await cache.open();
    await cache.put('ab'.repeat(32), Buffer.alloc(5000));
    const room = new DiskRoom(root, cache);
    await disk.claimRoom(268_435_456 + 100_000);
    const written = await room.promise(60_000);
    expect(cache.has('ab'.repeat(32))).toBe(true);
    await expect(room.promise(60_000)).rejects.toThrow('no room for its 60.0 kB');
    expect(cache.has('ab'.repeat(32))).toBe(false);
    written(60_000);
    await room.promise(30_000);
    const together = await Promise.allSettled([room.promise(300_000), room.promise(1)]);
    expect(together.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    await disk.claimRoom(null);
  });

  test('that is used up by others ends no sync with a trace: it waits, and goes on', async () => {
    const device = await account.device('full disk', { place: join(disk.root, 'full') });
    await account.syncOnce(device);
    await disk.fail({ call: 'write', nth: 1, error: 'ENOSPC', times: null, path: '^/full/' });
    startAll(device);
    await until('it says what is wrong', () =>
      device.events.some(
        (event) => event.event === 'error' && /state.db cannot be used: the disk is full/.test(event.message),
      ),
    );
    await disk.heal();
    await until('it goes on', () => device.events.at(-1)?.event === 'idle');
    await device.stopSync();
  });
});

/** How a command of a device ends, and all that it printed. */
async function endOf(words: readonly string[], device: Device): Promise<{ code: number; text: string }> {
  const child = spawn(process.execPath, [...account.commandOf(device), ...words]);
  let text = '';
  for (const output of [child.stdout, child.stderr]) output.setEncoding('utf8').on('data', (part) => (text += part));
  const [code] = await once(child, 'close');
  return { code: code as number, text };
}
