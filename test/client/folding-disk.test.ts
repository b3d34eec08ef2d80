import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { type Disk, fuseIsPossible, mountDisk } from '../support/fuse/disk.ts';
import { type Account, openAccount } from './account.ts';

/** A Linux device, and one whose disk takes names that differ in case for one, as those of macOS and Windows do. */
describe.skipIf(!fuseIsPossible)('on a disk that folds names', () => {
  let account: Account;
  let disk: Disk;
  let linux: Device;
  let mac: Device;

  beforeAll(async () => {
    account = await openAccount();
    disk = await mountDisk('fold');
    linux = await account.device('linux');
    mac = await account.device('mac', { place: join(disk.root, 'folder') });
  });
  afterAll(async () => {
    await account?.close();
    await disk?.close();
  });

  const put = async (device: Device, files: Record<string, string>): Promise<void> => {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(device.folder, path, '..'), { recursive: true });
      await writeFile(join(device.folder, path), content);
    }
  };
  const syncOnce = (device: Device): Promise<string> =>
    device.run(['sync', device.folder, '--once']).catch((error: Error) => error.message);
  const sync = async (...devices: Device[]): Promise<void> => {
    for (const device of devices) await syncOnce(device);
  };
  /** All files below a folder of a device, with their content. */
  const files = async (device: Device, folder: string): Promise<Record<string, string>> => {
    const entries = await readdir(join(device.folder, folder), { recursive: true, withFileTypes: true });
    const found = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(device.folder, folder).length + 1))
      .sort();
    return Object.fromEntries(
      await Promise.all(
        found.map(async (path) => [path, await readFile(join(device.folder, folder, path), 'utf8')] as const),
      ),
    );
  };
  const problems = async (device: Device, folder: string): Promise<Record<string, string>> => {
    const { problems: all } = JSON.parse(await device.run(['status', '--json', device.folder])) as {
      problems: { path: string; message: string }[];
    };
    return Object.fromEntries(
      all.filter(({ path }) => path.startsWith(`${folder}/`)).map(({ path, message }) => [path, message]),
    );
  };

  test('of two files that differ in case one arrives, the other is listed, and both stay as they are elsewhere', async () => {
    const both = { 'README.md': 'UPPER', 'readme.md': 'lower' };
    await put(linux, { 'files/README.md': 'UPPER', 'files/readme.md': 'lower' });
    for (let round = 0; round < 3; round++) await sync(linux, mac);
    const here = await files(mac, 'files');
    expect(Object.keys(here)).toHaveLength(1);
    const [name] = Object.keys(here) as ['README.md' | 'readme.md'];
    const other = name === 'README.md' ? 'readme.md' : 'README.md';
    expect(here[name]).toBe(both[name]);
    expect(await problems(mac, 'files')).toEqual({
      [`files/${other}`]: expect.stringMatching(`differs only in spelling from files/${name}`),
    });
    await put(mac, { [`files/${name}`]: 'edited' });
    await sync(mac, linux);
    expect(await files(linux, 'files')).toEqual({ ...both, [name]: 'edited' });
    // Once there is room, the other one comes.
    await rm(join(mac.folder, 'files', name));
    await sync(mac, mac, linux);
    expect(await files(linux, 'files')).toEqual({ [other]: both[other] });
    expect(await files(mac, 'files')).toEqual({ [other]: both[other] });
    expect(await problems(mac, 'files')).toEqual({});
  });

  test('of two folders that differ in case one arrives, and nothing of the other is put into it', async () => {
    const all = { 'Docs/a.txt': 'a', 'Docs/index': 'upper', 'docs/b.txt': 'b', 'docs/index': 'lower' };
    await put(linux, Object.fromEntries(Object.entries(all).map(([path, text]) => [`folders/${path}`, text])));
    for (let round = 0; round < 3; round++) await sync(linux, mac);
    expect(await files(linux, 'folders')).toEqual(all);
    const here = await files(mac, 'folders');
    expect([
      { 'Docs/a.txt': 'a', 'Docs/index': 'upper' },
      { 'docs/b.txt': 'b', 'docs/index': 'lower' },
    ]).toContainEqual(here);
    expect(Object.keys(await problems(mac, 'folders'))).toEqual([
      Object.keys(here)[0]!.startsWith('D') ? 'folders/docs' : 'folders/Docs',
    ]);
  });

  test('a file that was given another case elsewhere gets it here, with the edit that was made here', async () => {
    await put(linux, { 'renamed/REPORT.txt': 'first', 'renamed/Other.txt': 'other' });
    await sync(linux, mac);
    await rename(join(linux.folder, 'renamed/REPORT.txt'), join(linux.folder, 'renamed/report.txt'));
    await rename(join(linux.folder, 'renamed/Other.txt'), join(linux.folder, 'renamed/other.txt'));
    await put(mac, { 'renamed/REPORT.txt': 'edited here' });
    await sync(linux, mac, linux);
    const after = { 'other.txt': 'other', 'report.txt': 'edited here' };
    expect(await files(mac, 'renamed')).toEqual(after);
    expect(await files(linux, 'renamed')).toEqual(after);
  });

  test('a folder that was given another case elsewhere gets it here, with what only lies here', async () => {
    await put(linux, { 'cases/Docs/a': 'a', 'cases/Docs/sub/b': 'b' });
    await sync(linux, mac);
    await rename(join(linux.folder, 'cases/Docs'), join(linux.folder, 'cases/docs'));
    await put(mac, { 'cases/Docs/sub/mine': 'mine' });
    await sync(linux, mac, mac, linux);
    const after = { 'docs/a': 'a', 'docs/sub/b': 'b', 'docs/sub/mine': 'mine' };
    expect(await files(mac, 'cases')).toEqual(after);
    expect(await files(linux, 'cases')).toEqual(after);
  });

  test('a case that was changed here travels', async () => {
    await put(linux, { 'here/Docs/A.txt': 'a', 'here/B.txt': 'b' });
    await sync(linux, mac);
    await rename(join(mac.folder, 'here/Docs'), join(mac.folder, 'here/docs'));
    await rename(join(mac.folder, 'here/B.txt'), join(mac.folder, 'here/b.txt'));
    await sync(mac, linux);
    const after = { 'b.txt': 'b', 'docs/A.txt': 'a' };
    expect(await files(linux, 'here')).toEqual(after);
    expect(await files(mac, 'here')).toEqual(after);
  });

  test('names that both sides gave at once in other case are one name', async () => {
    await put(linux, { 'atonce/New/a': 'a', 'atonce/note': 'linux' });
    await put(mac, { 'atonce/new/b': 'b', 'atonce/Note': 'mac' });
    await sync(linux, mac, mac, linux);
    const here = await files(mac, 'atonce');
    expect(here).toMatchObject({ 'New/a': 'a', 'New/b': 'b', note: 'linux' });
    expect(Object.values(here).sort()).toEqual(['a', 'b', 'linux', 'mac']);
    expect(await files(linux, 'atonce')).toEqual(here);
  });

  test('a name in the other Unicode form is the same name', async () => {
    await put(linux, { 'forms/été.txt': 'composed' });
    await put(mac, { [`forms/${'naïve'.normalize('NFD')}`]: 'decomposed' });
    await sync(linux, mac, linux);
    expect(await files(linux, 'forms')).toEqual({ 'été.txt': 'composed', naïve: 'decomposed' });
    expect(await problems(mac, 'forms')).toEqual({});
  });
});
