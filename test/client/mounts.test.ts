import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FrequentSaves } from '../../client/engine/frequent-saves.ts';
import { Lookout } from '../../client/engine/lookout.ts';
import type { Api } from '../../client/service/api.ts';
import type { Device } from '../../local/demo/devices/device.ts';
import { openAccount } from './account.ts';
import { temporaryFolder } from './folder.ts';
import { openSync } from './open-sync.ts';

/** Mounting needs root, and a mount table that tells mounts within one file system needs Linux. CI has both. */
const mountIsPossible =
  process.env.CI === 'true' || (process.platform === 'linux' && process.getuid?.() === 0 && mayMount());
if (!mountIsPossible) console.warn('Nothing may be mounted (Linux, root): the tests on drives do not run.');

function mayMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'tidemark-mount-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', place]).status === 0;
  if (isMounted) execFileSync('umount', [place]);
  rmdirSync(place);
  return isMounted;
}

function mount(...words: string[]): () => void {
  execFileSync('mount', words);
  const place = words.at(-1)!;
  let isThere = true;
  const away = (): void => {
    if (isThere) execFileSync('umount', [place]);
    isThere = false;
  };
  onTestFinished(away);
  return away;
}

const once = (device: Device): Promise<string> => device.run(['sync', device.folder, '--once']);
const read = (device: Device, path: string): Promise<string> => readFile(join(device.folder, path), 'utf8');

test.skipIf(!mountIsPossible).each(['another file system', 'the same file system'])(
  'files that went with a drive on %s are deleted nowhere, and wait for it',
  async (kind) => {
    const account = await openAccount();
    onTestFinished(account.close);
    const [desk, lap] = [await account.device('desk'), await account.device('lap')];
    const drive = await temporaryFolder();
    if (kind === 'another file system') mount('-t', 'tmpfs', 'tmpfs', drive);
    for (const name of ['a', 'b']) await writeFile(join(drive, name), name);
    const place = join(desk.folder, 'docs/drive');
    await mkdir(place, { recursive: true });
    for (const name of ['1', '2', '3', '4', '5', '6']) await writeFile(join(desk.folder, name), name);
    const unplug = mount('--bind', drive, place);
    for (const device of [desk, lap]) await once(device);
    expect(await read(lap, 'docs/drive/a')).toBe('a');

    unplug();
    await writeFile(join(lap.folder, 'docs/drive/a'), 'edited');
    await once(lap);
    await expect(once(desk)).rejects.toThrow('could not be synced');
    const status = JSON.parse(await desk.run(['status', '--json'])) as {
      problems: { path: string; message: string }[];
    };
    expect(status.problems).toMatchObject([{ path: 'docs/drive', message: expect.stringMatching('another drive') }]);
    await once(lap);
    expect(await read(lap, 'docs/drive/b')).toBe('b');
    // What changed elsewhere is not put where the drive would cover it.
    await expect(stat(join(place, 'a'))).rejects.toThrow('ENOENT');

    const unplugAgain = mount('--bind', drive, place);
    await unlink(join(place, 'b'));
    await once(desk);
    expect(await read(desk, 'docs/drive/a')).toBe('edited');
    await once(lap);
    await expect(read(lap, 'docs/drive/b')).rejects.toThrow('ENOENT');
    unplugAgain();
  },
);

test.skipIf(!mountIsPossible)('files that a drive covers are deleted nowhere', async () => {
  const account = await openAccount();
  onTestFinished(account.close);
  const [desk, lap] = [await account.device('desk'), await account.device('lap')];
  const place = join(desk.folder, 'music');
  await mkdir(place);
  for (const name of ['1', '2', '3']) await writeFile(join(desk.folder, name), name);
  await writeFile(join(place, 'song'), 'song');
  for (const device of [desk, lap]) await once(device);
  const unplug = mount('-t', 'tmpfs', 'tmpfs', place);
  await expect(once(desk)).rejects.toThrow('could not be synced');
  await once(lap);
  expect(await read(lap, 'music/song')).toBe('song');
  unplug();
  await rm(join(place, 'song'));
  await once(desk);
  await once(lap);
  await expect(read(lap, 'music/song')).rejects.toThrow('ENOENT');
});

test.skipIf(!mountIsPossible)(
  'files of a drive that is lost are deleted once its directory is gone and that is meant',
  async () => {
    const account = await openAccount();
    onTestFinished(account.close);
    const [desk, lap] = [await account.device('desk'), await account.device('lap')];
    const place = join(desk.folder, 'drive');
    await mkdir(place);
    await writeFile(join(desk.folder, 'kept'), 'kept');
    const unplug = mount('-t', 'tmpfs', 'tmpfs', place);
    await writeFile(join(place, 'film'), 'film');
    for (const device of [desk, lap]) await once(device);
    unplug();
    const meant = (): Promise<string> => desk.run(['sync', desk.folder, '--once', '--allow-mass-delete']);
    await expect(meant()).rejects.toThrow('could not be synced');
    await rm(place, { recursive: true });
    await expect(once(desk)).rejects.toThrow('could not be synced');
    await once(lap);
    expect(await read(lap, 'drive/film')).toBe('film');
    await meant();
    await once(lap);
    await expect(stat(join(lap.folder, 'drive'))).rejects.toThrow('ENOENT');
    expect(await read(lap, 'kept')).toBe('kept');
  },
);

test.skipIf(!mountIsPossible)('files that go with a drive in the middle of a look are deleted nowhere', async () => {
  const sync = await openSync(await temporaryFolder(), {} as Api, { id: randomUUID(), name: 'desk' });
  onTestFinished(() => sync.state.close());
  const [place, drive] = [join(sync.root, 'docs/drive'), await temporaryFolder()];
  for (const name of ['a', 'b']) await writeFile(join(drive, name), name);
  await mkdir(place, { recursive: true });
  const unplug = mount('--bind', drive, place);
  let onLook = (): void => undefined;
  class Spy extends FrequentSaves {
    override waitFor(path: string): number {
      onLook();
      return super.waitFor(path);
    }
  }
  const watch = { directory: () => undefined, forget: () => undefined, close: () => undefined };
  const signals = { later: () => undefined, isCollecting: false };
  const lookout = new Lookout(sync, watch, signals, { frequent: new Spy() });
  await lookout.readIgnores();
  await lookout.look();
  for (const [path, entry] of sync.state.trees.local) sync.state.set('synced', path, { ...entry, version: 1 });
  // That the first file is another is found before the drive goes, and that the second is missing after it.
  await writeFile(join(place, 'a'), 'edited');
  onLook = unplug;
  for (const path of ['docs/drive/a', 'docs/drive/b']) sync.notices.look(path);
  await lookout.look();
  expect([...sync.state.trees.local.keys()], 'I31: still known').toContain('docs/drive/b');
  expect(lookout.blocked('docs/drive/b')).toBe(true);
});
