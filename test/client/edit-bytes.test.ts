import { randomBytes } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import type { Block } from '../../protocol/entry.ts';
import type { TreeResponse } from '../../protocol/tree.ts';
import type { User } from '../support/user.ts';
import { openAccount, startAll, until } from './account.ts';

const MIB = 1024 * 1024;

/** Bytes of content that crossed the wire since so many events. */
function bytesOf({ events }: Device, direction: 'uploaded' | 'downloaded', from: number): number {
  const later = events.slice(from);
  return later.reduce((sum, event) => sum + (event.event === direction ? event.content_bytes : 0), 0);
}

async function blocksOf(caller: User, path: string): Promise<readonly Block[]> {
  const { body } = await caller.call<TreeResponse>('GET', `/tree?device_id=${caller.device}`);
  return body.entries.find(({ name }) => name === path)?.entry?.blocks ?? [];
}

test('an edit and an insertion cross the wire as what they are, up and down, and store two blocks at most', async () => {
  const account = await openAccount();
  onTestFinished(account.close);
  const [desk, lap] = [await account.device('desk'), await account.device('lap')];
  const caller = await account.caller();
  startAll(desk, lap);

  const film = randomBytes(24 * MIB);
  const edited = Buffer.from(film);
  edited.set(Buffer.from('an edit'), 5 * MIB);
  const inserted = Buffer.concat([edited.subarray(0, 1000), randomBytes(100), edited.subarray(1000)]);
  const costs: { up: number; down: number; stored: number[] }[] = [];
  for (const content of [film, edited, inserted]) {
    const [ups, downs] = [desk.events.length, lap.events.length];
    const known = new Set((await blocksOf(caller, 'film')).map(({ hash }) => hash));
    await writeFile(join(desk.folder, 'film'), content);
    await until('it arrives', () => bytesOf(lap, 'downloaded', downs) > 0, 90);
    expect((await readFile(join(lap.folder, 'film'))).equals(content)).toBe(true);
    const stored = (await blocksOf(caller, 'film')).filter(({ hash }) => !known.has(hash)).map(({ size }) => size);
    costs.push({ up: bytesOf(desk, 'uploaded', ups), down: bytesOf(lap, 'downloaded', downs), stored });
  }
  expect(costs[0]!.down).toBe(film.length);
  for (const [index, { up, down, stored }] of costs.slice(1).entries()) {
    if (process.env.EDIT_FIGURES) console.log({ up, down, stored });
    expect(up).toBeLessThan(250);
    expect(down).toBeLessThan(700);
    expect(stored.reduce((sum, size) => sum + size, 0)).toBeLessThan(4.1 * MIB);
    expect(stored).toHaveLength(index + 1);
  }
});

test('a device that was away for several edits gets them as what they are', async () => {
  const account = await openAccount();
  onTestFinished(account.close);
  const [desk, lap] = [await account.device('desk'), await account.device('lap')];
  startAll(desk, lap);
  const film = randomBytes(9 * MIB);
  await writeFile(join(desk.folder, 'film'), film);
  await until('it arrives', () => bytesOf(lap, 'downloaded', 0) > 0, 90);
  await lap.stopSync();
  for (const edit of ['one', 'two', 'three']) {
    const ups = desk.events.length;
    film.set(Buffer.from(edit), 5 * MIB);
    await writeFile(join(desk.folder, 'film'), film);
    await until('it is sent', () => bytesOf(desk, 'uploaded', ups) > 0, 90);
  }
  const downs = lap.events.length;
  startAll(lap);
  await until('it arrives', () => bytesOf(lap, 'downloaded', downs) > 0, 90);
  expect((await readFile(join(lap.folder, 'film'))).equals(film)).toBe(true);
  expect(bytesOf(lap, 'downloaded', downs)).toBeLessThan(1000);
});

test('a cache that has room for one version of a file has what each of its edits is a delta from', async () => {
  const account = await openAccount();
  onTestFinished(account.close);
  const desk = await account.device('desk');
  await writeFile(join(desk.folder, 'film'), randomBytes(12 * MIB));
  desk.startSync((reason) => expect.fail(reason), ['--cache-mb', '13']);
  await until('it is sent', () => bytesOf(desk, 'uploaded', 0) === 12 * MIB, 90);
  for (const at of [5 * MIB, 1000, 9 * MIB]) {
    const ups = desk.events.length;
    const film = await open(join(desk.folder, 'film'), 'r+');
    await film.write('an edit', at);
    await film.close();
    await until('it is sent', () => bytesOf(desk, 'uploaded', ups) > 0, 90);
    expect(bytesOf(desk, 'uploaded', ups)).toBeLessThan(250);
  }
});
