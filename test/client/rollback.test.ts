import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { listing } from '../../local/demo/tour/folders.ts';
import { database } from '../service/support/service.ts';
import { type Account, openAccount } from './account.ts';

let account: Account;
let device: Device;
/** A moment at which the folder held what `beforeEach` wrote. */
let then: string;

beforeEach(async () => {
  account = await openAccount();
  device = await account.device('desk');
  await mkdir(on('docs/old'), { recursive: true });
  await writeFile(on('docs/kept.txt'), 'kept');
  await writeFile(on('docs/edited.txt'), 'first words');
  await writeFile(on('docs/old/deleted.txt'), 'to be deleted');
  await writeFile(on('becomes-folder'), 'a file');
  await writeFile(on('elsewhere.txt'), 'one');
  await sync();
  const { rows } = await database.query<{ now: Date }>('select clock_timestamp() as now');
  then = rows[0]!.now.toISOString();
  return () => account.close();
});

const on = (path: string): string => join(device.folder, path);
const text = (path: string): Promise<string> => readFile(on(path), 'utf8');
const sync = (): Promise<string> => device.run(['sync', device.folder, '--once', '--allow-mass-delete']);
const restore = (path: string, ...words: string[]): Promise<string> =>
  device.run(['restore', on(path), '--at', then, ...words]);

async function change(): Promise<void> {
  await writeFile(on('docs/edited.txt'), 'other words');
  await rm(on('docs/old'), { recursive: true });
  await rename(on('docs/kept.txt'), on('docs/renamed.txt'));
  await rm(on('becomes-folder'));
  await mkdir(on('becomes-folder'));
  await writeFile(on('becomes-folder/inside.txt'), 'new');
  await writeFile(on('elsewhere.txt'), 'two');
  await sync();
}

test('a preview shows what would change; it, a missing confirmation and a moment too old change nothing', async () => {
  await change();
  const preview = await restore('docs', '--dry-run');
  expect(preview.trim().split('\n')).toEqual([
    'set back   docs/edited.txt (version 2 to the content of 1)',
    'bring back docs/kept.txt',
    'bring back docs/old',
    'bring back docs/old/deleted.txt',
    'remove     docs/renamed.txt',
    '3 to bring back, 1 to set back, 1 to remove; every version of today stays in the history',
  ]);
  await expect(restore('docs')).rejects.toThrow('--yes');
  then = '2001-01-01';
  await expect(restore('docs', '--yes')).rejects.toThrow('name a moment of the last 30 days');
  await sync();
  expect(await text('docs/edited.txt')).toBe('other words');
});

test('a folder is what it was; what is outside it stays', async () => {
  await change();
  await restore('docs', '--yes');
  await sync();
  expect(await text('docs/edited.txt')).toBe('first words');
  expect(await text('docs/kept.txt')).toBe('kept');
  expect(await text('docs/old/deleted.txt')).toBe('to be deleted');
  expect(await listing(on('docs'))).toEqual(['edited.txt', 'kept.txt', 'old/', 'old/deleted.txt']);
  expect(await text('elsewhere.txt')).toBe('two');
  expect(await restore('docs', '--yes')).toContain('docs is what it was');
});

test('the whole tree is what it was, also where a file had become a folder', async () => {
  const before = await listing(device.folder);
  await change();
  await restore('.', '--yes');
  await sync();
  expect(await listing(device.folder)).toEqual(before);
  expect(await text('becomes-folder')).toBe('a file');
  expect(await text('elsewhere.txt')).toBe('one');
});

test('a path that another file has taken gets the content of the one that was there', async () => {
  await writeFile(on('docs/kept.txt'), 'kept, second words');
  await sync();
  await rm(on('docs/kept.txt'));
  await rename(on('elsewhere.txt'), on('docs/kept.txt'));
  await sync();
  await restore('.', '--yes');
  await sync();
  expect([await text('docs/kept.txt'), await text('elsewhere.txt')]).toEqual(['kept', 'one']);
});
