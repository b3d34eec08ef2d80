import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { SyncStatus } from '../../protocol/output/sync-status.ts';
import { type Account, openAccount } from './account.ts';
import { temporaryFolder } from './folder.ts';

/* Folders that are moved, copied, or wanted by two accounts. */

let account: Account;
let desk: Device;
beforeEach(async () => {
  account = await openAccount();
  onTestFinished(() => account.close());
  desk = await account.device('desk');
  await mkdir(join(desk.folder, 'docs'));
  for (const name of ['docs/a', 'docs/b', 'c']) await writeFile(join(desk.folder, name), name);
  await desk.run(['sync', desk.folder, '--once']);
});

/** What another device of the account has of the folder. */
async function elsewhere(): Promise<string[]> {
  const lap = await account.device('lap');
  await lap.run(['sync', lap.folder, '--once']);
  const names = await readdir(lap.folder, { recursive: true });
  return names.filter((name) => !name.startsWith('.tidemark')).sort();
}

test('a folder that is moved is known in its new place, and nothing is taken for deleted', async () => {
  const moved = `${desk.folder} moved`;
  await rename(desk.folder, moved);
  await expect(desk.run(['sync', '--once'])).rejects.toThrow('if you moved it, give its new place: tidemark sync DIR');
  await writeFile(join(moved, 'd'), 'd');
  await desk.run(['sync', moved, '--once']);
  expect(JSON.parse(await desk.run(['status', '--json']))).toMatchObject({ folder: moved, files: 4, pending: [] });
  expect(await elsewhere()).toEqual(['c', 'd', 'docs', 'docs/a', 'docs/b']);
});

test('a copy of a synced folder is told from it, for this device and for another, until the first one is gone', async () => {
  const copy = `${desk.folder} copy`;
  await cp(desk.folder, copy, { recursive: true });
  await rm(join(copy, 'c'));
  const other = await account.device('other', { place: copy });
  for (const device of [desk, other]) {
    await expect(device.run(['sync', copy, '--once'])).rejects.toThrow(`${copy} is a copy of ${desk.folder}`);
  }
  await desk.run(['sync', desk.folder, '--once']);
  expect(await elsewhere()).toContain('c');
  await other.run(['sync', copy, '--once', '--start-anew']);
  expect(await readFile(join(copy, 'c'), 'utf8')).toBe('c');
});

test('a folder whose copy takes its place is that copy from then on', async () => {
  const copy = `${desk.folder} copy`;
  await cp(desk.folder, copy, { recursive: true });
  await rm(desk.folder, { recursive: true });
  await desk.run(['sync', copy, '--once']);
  expect(await elsewhere()).toEqual(['c', 'docs', 'docs/a', 'docs/b']);
});

test('a copy inside the folder is listed and left alone, also by its own sync', async () => {
  const backup = join(await temporaryFolder(), 'backup');
  await cp(desk.folder, backup, { recursive: true });
  await rename(backup, join(desk.folder, 'backup')).catch(() =>
    cp(backup, join(desk.folder, 'backup'), { recursive: true }),
  );
  await expect(desk.run(['sync', '--once'])).rejects.toThrow('1 paths could not be synced');
  const { problems } = SyncStatus.parse(JSON.parse(await desk.run(['status', '--json'])));
  expect(problems).toEqual([
    { path: 'backup', message: expect.stringContaining('is a synced folder of its own; delete backup/.tidemark') },
  ]);
  await expect(desk.run(['sync', join(desk.folder, 'backup'), '--once'])).rejects.toThrow(
    /is inside .* is synced already/,
  );
  expect(await elsewhere()).toEqual(['c', 'docs', 'docs/a', 'docs/b']);
});

test('a folder of one account is not taken by another', async () => {
  const stranger = await openAccount();
  onTestFinished(() => stranger.close());
  const device = await stranger.device('stranger', { place: desk.folder });
  await expect(device.run(['sync', desk.folder, '--once'])).rejects.toThrow(
    new RegExp(`is synced with ${account.username} at .* you are signed in as ${stranger.username}`),
  );
  await desk.run(['sync', '--once']);
  expect(await elsewhere()).toEqual(['c', 'docs', 'docs/a', 'docs/b']);
});

test('a folder is the same one by way of a link to it', async () => {
  const link = join(await temporaryFolder(), 'link');
  await symlink(desk.folder, link);
  await writeFile(join(link, 'd'), 'd');
  await desk.run(['sync', link, '--once']);
  expect(JSON.parse(await desk.run(['status', '--json']))).toMatchObject({
    folder: desk.folder,
    files: 4,
    pending: [],
  });
});
