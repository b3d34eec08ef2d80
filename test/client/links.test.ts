import { lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { SyncStatus } from '../../protocol/output/sync-status.ts';
import { fuseIsPossible, mountDisk } from '../support/fuse/disk.ts';
import { type Account, openAccount, startAll, until, untilEqual } from './account.ts';
import { temporaryFolder } from './folder.ts';

/* Symbolic links that point inside the folder are links on every device. */

let account: Account;
beforeAll(async () => {
  account = await openAccount();
});
afterAll(() => account.close());

const problemsOf = async (device: Device): Promise<SyncStatus['problems']> =>
  SyncStatus.parse(JSON.parse(await device.run(['status', '--json']))).problems;

describe('a link', () => {
  let desk: Device;
  let lap: Device;
  const at = ({ folder }: Device, path: string): string => join(folder, path);
  beforeAll(async () => {
    [desk, lap] = [await account.device('desk'), await account.device('lap')];
    await mkdir(at(desk, 'docs'));
    await writeFile(at(desk, 'docs/note'), 'note');
    // So many that what is deleted is never most of it.
    await mkdir(at(desk, 'others'));
    for (let number = 0; number < 20; number++) await writeFile(at(desk, `others/${number}`), 'other');
    startAll(desk, lap);
    await untilEqual(desk, lap);
  });

  test('travels as what it says, also to a folder or to nothing', async () => {
    await symlink('docs/note', at(desk, 'latest'));
    await symlink('../docs', at(desk, 'docs/self'));
    await symlink('not there yet', at(desk, 'dangling'));
    await untilEqual(desk, lap);
    expect(await readlink(at(lap, 'latest'))).toBe('docs/note');
    expect(await readFile(at(lap, 'docs/self/note'), 'utf8')).toBe('note');
    expect(await readlink(at(lap, 'dangling'))).toBe('not there yet');
    expect(await readdir(at(lap, 'docs'))).toEqual(['note', 'self']);
  });

  test('is replaced, renamed and deleted as itself; what it points to stays', async () => {
    await symlink('docs', at(desk, 'latest.new'));
    await rename(at(desk, 'latest.new'), at(desk, 'latest'));
    await rename(at(desk, 'dangling'), at(desk, 'docs/dangling'));
    await untilEqual(desk, lap);
    expect(await readlink(at(lap, 'latest'))).toBe('docs');
    expect(await readlink(at(lap, 'docs/dangling'))).toBe('not there yet');
    await unlink(at(lap, 'docs/self'));
    await untilEqual(desk, lap);
    expect(await readFile(at(desk, 'docs/note'), 'utf8')).toBe('note');
    expect((await readdir(at(desk, 'docs'))).sort()).toEqual(['dangling', 'note']);
  });

  test('takes the place of a file and of a folder, and gives it back', async () => {
    await writeFile(at(desk, 'swap'), 'docs/note');
    await mkdir(at(desk, 'moved'));
    await writeFile(at(desk, 'moved/inside'), 'inside');
    await untilEqual(desk, lap);
    // The same bytes, of another kind.
    await rm(at(desk, 'swap'));
    await symlink('docs/note', at(desk, 'swap'));
    await rename(at(desk, 'moved'), at(desk, 'docs/moved'));
    await symlink('docs/moved', at(desk, 'moved'));
    await untilEqual(desk, lap);
    expect(await readlink(at(lap, 'swap'))).toBe('docs/note');
    expect(await readFile(at(lap, 'moved/inside'), 'utf8')).toBe('inside');
    await unlink(at(lap, 'swap'));
    await writeFile(at(lap, 'swap'), 'a file again');
    await unlink(at(lap, 'moved'));
    await rename(at(lap, 'docs/moved'), at(lap, 'moved'));
    await untilEqual(desk, lap);
    expect(await readFile(at(desk, 'swap'), 'utf8')).toBe('a file again');
    expect((await lstat(at(desk, 'moved'))).isDirectory()).toBe(true);
    expect(await readFile(at(desk, 'docs/note'), 'utf8')).toBe('note');
  });

  test('that two devices change at once is kept twice, and an old one comes back', async () => {
    await desk.run(['pause']);
    await until('it obeys', () => desk.events.at(-1)?.event === 'paused');
    for (const [device, target] of [
      [lap, 'docs/note'],
      [desk, 'swap'],
    ] as const) {
      await unlink(at(device, 'latest'));
      await symlink(target, at(device, 'latest'));
    }
    await until('one is sent', () => lap.events.at(-1)?.event === 'idle');
    await until('it is at the service', async () => {
      const [newest] = (await lap.run(['history', at(lap, 'latest'), '--json'])).split('\n');
      const { version, change_type } = JSON.parse(newest!);
      return version > 2 && change_type !== 'delete';
    });
    await desk.run(['resume']);
    await untilEqual(desk, lap);
    const copy = (await readdir(desk.folder)).find((name) => name.startsWith('latest (conflicted copy, desk'))!;
    expect([await readlink(at(desk, 'latest')), await readlink(at(lap, copy))]).toEqual(['docs/note', 'swap']);
    await desk.run(['restore', at(desk, 'latest'), '--version', '2']);
    await until('it is back', async () => (await readlink(at(lap, 'latest'))) === 'docs');
    await untilEqual(desk, lap);
  });

  test('is left out and comes back with its folder', async () => {
    await desk.run(['exclude', at(desk, 'docs')]);
    await until('the folder is gone', async () => !(await readdir(desk.folder)).includes('docs'));
    await desk.run(['include', at(desk, 'docs')]);
    await untilEqual(desk, lap);
    expect(await readlink(at(desk, 'docs/dangling'))).toBe('not there yet');
  });
});

describe('what another device may not have here', () => {
  test('a link that leads out of the folder is listed, and not made; nothing is written where it leads', async () => {
    const victim = join(await temporaryFolder(), 'victim');
    await writeFile(victim, 'safe');
    const own = await openAccount();
    onTestFinished(() => own.close());
    const device = await own.device('careful');
    const caller = await own.caller();
    await caller.save('escape', Buffer.from('../../../etc/passwd'), 0, 'link');
    await caller.save('absolute', Buffer.from(victim), 0, 'link');
    await expect(device.run(['sync', device.folder, '--once'])).rejects.toThrow('2 paths could not be synced');
    expect(await problemsOf(device)).toEqual([
      { path: 'absolute', message: 'is a symbolic link to an absolute place, which is another one on other devices' },
      { path: 'escape', message: 'is a symbolic link that points out of the folder' },
    ]);
    expect(await readdir(device.folder)).not.toContain('escape');
    expect(await readFile(victim, 'utf8')).toBe('safe');
  });

  test.runIf(fuseIsPossible)('a disk that takes no links lists them, and deletes none elsewhere', async () => {
    const disk = await mountDisk('faults');
    onTestFinished(() => disk.close());
    const [desk, stick] = [
      await account.device('has links'),
      await account.device('has none', { place: join(disk.root, 'stick') }),
    ];
    await disk.fail({ call: 'symlink', nth: 1, error: 'EPERM', times: null });
    await mkdir(join(desk.folder, 'linked'));
    await symlink('nothing', join(desk.folder, 'linked/link'));
    await desk.run(['sync', desk.folder, '--once']);
    for (const _ of ['first', 'again']) {
      await expect(stick.run(['sync', stick.folder, '--once'])).rejects.toThrow(/paths could not be synced/);
    }
    expect(await problemsOf(stick)).toContainEqual({
      path: 'linked/link',
      message: 'is a symbolic link, and this disk takes none: permission denied (EPERM)',
    });
    await desk.run(['sync', '--once']);
    expect(await readlink(join(desk.folder, 'linked/link'))).toBe('nothing');
    await disk.heal();
    await stick.run(['sync', '--once']);
    expect(await readlink(join(stick.folder, 'linked/link'))).toBe('nothing');
  });
});
