import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { isUnfinished } from '../../protocol/reserved-name.ts';
import type { Network } from '../support/network/network.ts';
import { type Account, openAccount, startAll, until, untilEqual } from './account.ts';

/* One device sends a large file, slowly, and another fetches what has got there. */

const MIB = 1024 * 1024;
const SIZE = 36 * MIB;
const SECONDS = 120;

let account: Account;
let [up, down]: Network[] = [];
let road: Device;
let desk: Device;

beforeEach(async () => {
  account = await openAccount();
  [up, down] = [await account.network(), await account.network()];
  [road, desk] = [await account.device('road', { network: up! }), await account.device('desk', { network: down! })];
  startAll(road, desk);
  await untilEqual(road, desk);
  await up!.fail({ bytesPerSecond: 4 * MIB });
});
afterEach(() => account.close());

const film = (device: Device): string => join(device.folder, 'film');
const fetched = (): number => down!.line.moved.down;
const hasFetched = (bytes: number): Promise<void> =>
  until(`${bytes} bytes are fetched`, () => fetched() > bytes, SECONDS);
const unfinished = async (): Promise<string[]> => (await readdir(desk.folder)).filter(isUnfinished);

async function untilBothHold(content: Buffer): Promise<void> {
  await until('it is there', () => existsSync(film(desk)), SECONDS);
  await untilEqual(road, desk);
  expect((await readFile(film(desk))).equals(content)).toBe(true);
  expect(await unfinished()).toEqual([]);
}

/** Ends a sync as a power cut would. */
async function kill(device: Device): Promise<void> {
  const { pid } = device;
  const stopped = device.stopSync();
  process.kill(pid!, 'SIGKILL');
  await stopped;
}

test('what has been sent of a file is fetched meanwhile, each block once, and counts when its version is there', async () => {
  const content = randomBytes(SIZE);
  await writeFile(film(road), content);
  await hasFetched(SIZE / 2);
  expect(existsSync(film(desk)), 'before its version').toBe(false);
  expect(await unfinished()).toHaveLength(1);
  await untilBothHold(content);
  expect(fetched()).toBeLessThan(1.1 * SIZE);
  expect(desk.events.filter(({ event }) => event === 'downloaded')).toMatchObject([
    { path: 'film', content_bytes: SIZE },
  ]);
});

test('a sending that ends leaves nothing but cached blocks; begun again, it goes on for both', async () => {
  const content = randomBytes(SIZE);
  await writeFile(film(road), content);
  await hasFetched(10 * MIB);
  await kill(road);
  await desk.stopSync();
  expect((await readdir(desk.folder)).sort()).toEqual(['.tidemark']);
  const before = fetched();
  startAll(road, desk);
  await untilBothHold(content);
  expect(fetched() - before).toBeLessThan(SIZE - 6 * MIB);
});

test('a receiver that is killed at any point has the file in the end, and nothing beside it', async () => {
  const content = randomBytes(SIZE);
  await writeFile(film(road), content);
  for (const mib of [1, 6, 14, 22]) {
    await hasFetched(mib * MIB);
    await kill(desk);
    expect(existsSync(film(desk))).toBe(false);
    startAll(desk);
  }
  await untilBothHold(content);
});

test('of a file that is saved again while it is sent, the other device gets what it is now', async () => {
  await writeFile(film(road), randomBytes(SIZE));
  await hasFetched(6 * MIB);
  const content = randomBytes(SIZE);
  await writeFile(film(road), content);
  await until('the first is given up', async () => (await unfinished()).length > 0 && fetched() > 14 * MIB, SECONDS);
  await untilBothHold(content);
});

test('what the user saves at its place meanwhile stays', async () => {
  const content = randomBytes(SIZE);
  await writeFile(film(road), content);
  await hasFetched(6 * MIB);
  await writeFile(film(desk), 'my own');
  await until('both are there', async () => (await readdir(desk.folder)).length === 3, SECONDS);
  await up!.heal();
  await untilEqual(road, desk);
  const texts = await Promise.all(
    (await readdir(desk.folder))
      .filter((name) => name !== '.tidemark')
      .map((name) => readFile(join(desk.folder, name))),
  );
  expect(texts.some((text) => text.equals(content))).toBe(true);
  expect(texts.some((text) => String(text) === 'my own')).toBe(true);
  expect(await unfinished()).toEqual([]);
});

test('of a folder that is left out here nothing is fetched', async () => {
  await mkdir(join(road.folder, 'films'));
  await untilEqual(road, desk);
  await desk.run(['exclude', join(desk.folder, 'films')]);
  await writeFile(join(road.folder, 'films', 'film'), randomBytes(SIZE));
  await until('most of it is sent', () => up!.line.moved.up > SIZE / 2, SECONDS);
  expect(fetched()).toBeLessThan(MIB);
});
