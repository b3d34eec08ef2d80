import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import type { ChangesResponse } from '../../protocol/changes.ts';
import { type Account, openAccount } from './account.ts';

const MIB = 1024 * 1024;
const film = randomBytes(9 * MIB);
/** Cut at other places than a new file once it is an edit of the film. */
const edited = Buffer.concat([film.subarray(0, 1000), randomBytes(100), film.subarray(1000)]);

let account: Account;
let desk: Device;

async function changesOf(): Promise<ChangesResponse['changes']> {
  const caller = await account.caller();
  const { body } = await caller.call<ChangesResponse>('GET', `/changes?device_id=${caller.device}&cursor=0`);
  return body.changes;
}

async function put(device: Device, path: string, content: Buffer): Promise<void> {
  await mkdir(device.folder, { recursive: true });
  await writeFile(join(device.folder, path), content);
}

async function filesOf({ folder }: Device): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !name.startsWith('.'));
}

/** Syncs once, and says what content crossed the wire. */
async function sync(device: Device): Promise<{ up: number; down: number }> {
  const bytes = { up: 0, down: 0 };
  await account.syncOnce(device, (event) => {
    if (event.event === 'uploaded') bytes.up += event.content_bytes;
    if (event.event === 'downloaded') bytes.down += event.content_bytes;
  });
  return bytes;
}

beforeEach(async () => {
  account = await openAccount();
  onTestFinished(account.close);
  desk = await account.device('desk');
  await put(desk, 'film', film);
  await desk.run(['sync', desk.folder, '--once']);
  await put(desk, 'film', edited);
  await sync(desk);
  expect((await changesOf()).at(-1)!.entry.blocks).toHaveLength(4);
});

describe('the same content, cut otherwise,', () => {
  test('is the same for a device that starts anew', async () => {
    await desk.run(['sync', '--once', '--start-anew']);
    expect(await changesOf()).toHaveLength(2);
    expect(await filesOf(desk)).toEqual(['film']);
  });

  test('is the same for a device that has the file already', async () => {
    const lap = await account.device('lap');
    await put(lap, 'film', edited);
    await lap.run(['sync', lap.folder, '--once']);
    expect(await changesOf()).toHaveLength(2);
    expect(await filesOf(lap)).toEqual(['film']);
  });

  test('is the same where two devices come to it by other edits', async () => {
    const lap = await account.device('lap');
    await lap.run(['sync', lap.folder, '--once']);
    const [some, more] = [randomBytes(MIB), randomBytes(MIB)];
    await put(desk, 'film', Buffer.concat([more, edited]));
    await sync(desk);
    await put(desk, 'film', Buffer.concat([some, more, edited]));
    await sync(desk);
    await put(lap, 'film', Buffer.concat([some, more, edited]));
    expect(await sync(lap)).toEqual({ up: 0, down: 0 });
    expect(await changesOf()).toHaveLength(4);
    expect(await filesOf(lap)).toEqual(['film']);
  });

  test('is sent for no copy, and a copy that takes the place of the file is a rename', async () => {
    await copyFile(join(desk.folder, 'film'), join(desk.folder, 'copy'));
    expect(await sync(desk)).toEqual({ up: 0, down: 0 });
    await rm(join(desk.folder, 'film'));
    await copyFile(join(desk.folder, 'copy'), join(desk.folder, 'again'));
    await rename(join(desk.folder, 'copy'), join(desk.folder, 'kept'));
    expect(await sync(desk)).toEqual({ up: 0, down: 0 });
    const changes = await changesOf();
    expect(new Set(changes.slice(1).map(({ entry }) => entry.blocks.map(({ hash }) => hash).join())).size).toBe(1);
    expect(changes.filter(({ change_type }) => change_type === 'move')).toHaveLength(2);
  });
});
