import type { BigIntStats } from 'node:fs';
import { appendFile, open, rename, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Lookout } from '../../client/engine/lookout.ts';
import { Readings } from '../../client/engine/readings.ts';
import type { Api } from '../../client/service/api.ts';
import type { Sync } from '../../client/steps/context.ts';
import { temporaryFolder } from './folder.ts';
import { openSync } from './open-sync.ts';

/* Large files in a real folder, which are read beside the looks at it; without a service and without a watch. */

const MIB = 1024 * 1024;
const LARGE = 65 * MIB;

const device = { id: '00000000-0000-4000-8000-000000000000', name: 'desk' };
let sync: Sync;
let lookout: Lookout;
/** Paths that are to be looked at again, with the milliseconds until then. */
let later: [string, number][];

beforeEach(async () => {
  later = [];
  sync = await openSync(await temporaryFolder(), {} as Api, device);
  onTestFinished(() => sync.state.close());
  const watch = { directory: () => undefined, forget: () => undefined, close: () => undefined };
  lookout = new Lookout(sync, watch, { later: (...what) => void later.push(what), isCollecting: false });
  onTestFinished(() => lookout.readings.close());
  await lookout.readIgnores();
});

const on = (path: string): string => join(sync.root, path);
const sizes = (): Record<string, number> =>
  Object.fromEntries([...sync.state.trees.local].map(([path, { size }]) => [path, size]));

/** Looks at these paths; answers what has to be planned then. */
async function look(...paths: string[]): Promise<string[]> {
  sync.notices.planned([]);
  for (const path of paths) sync.notices.look(path);
  await lookout.look();
  return [...sync.notices.dirty].sort();
}

/** Looks again when it is time to; answers what has to be planned then. */
async function lookLater(): Promise<string[]> {
  await vi.waitUntil(() => later.length > 0, { timeout: 60_000 });
  return look(...later.splice(0).map(([path]) => path));
}

async function overwrite(path: string): Promise<void> {
  const file = await open(on(path), 'r+');
  await file.write('edited', LARGE / 2);
  await file.close();
}

test('a look does not wait for a large file, which is found when it was read', async () => {
  await writeFile(on('large'), '');
  await truncate(on('large'), LARGE);
  await writeFile(on('note'), 'small');
  expect(await look('')).toEqual(['note']);
  expect([sizes(), lookout.waitsForRest, lookout.readings.has('large')]).toEqual([{ note: 5 }, true, true]);
  expect(await look('large')).toEqual([]);
  expect(await lookLater()).toEqual(['large']);
  expect([sizes(), lookout.waitsForRest]).toEqual([{ note: 5, large: LARGE }, false]);
  expect(sync.state.trees.local.get('large')!.blocks).toHaveLength(17);
});

test('a large file that was edited is as it was, also under another name, until it was read', async () => {
  await writeFile(on('large'), '');
  await truncate(on('large'), LARGE);
  await look('');
  await lookLater();
  const { identity, ...before } = sync.state.trees.local.get('large')!;
  sync.state.set('synced', 'large', { ...before, identity, version: 1 });
  await overwrite('large');
  expect(await look('large')).toEqual([]);
  expect(sync.state.trees.local.get('large')).toMatchObject(before);
  await lookLater();
  const edited = sync.state.trees.local.get('large')!.blocks;
  expect(edited.filter(({ hash }, index) => hash !== before.blocks[index]!.hash)).toHaveLength(1);

  await overwrite('large');
  await rename(on('large'), on('renamed'));
  expect(await look('large', 'renamed')).toEqual(['large', 'renamed']);
  expect(sync.state.trees.local.get('renamed')).toMatchObject({ blocks: before.blocks, hint: '' });
  await lookLater();
  expect(sync.state.trees.local.get('renamed')).toMatchObject({ blocks: edited });
});

test('a large file that is written to after it was read is being written, and is listed when it never rests', async () => {
  await writeFile(on('large'), '');
  await truncate(on('large'), LARGE);
  await look('large');
  for (const wait of [300, 600, 1200, 2400, 4800, 9600]) {
    await vi.waitUntil(() => later.length > 0, { timeout: 60_000 });
    await appendFile(on('large'), 'more');
    expect([await lookLater(), sizes()]).toEqual([[], {}]);
    expect(later).toEqual([['large', wait]]);
    await lookLater();
  }
  expect(lookout.leftOut).toBe(1);
  expect(await lookLater()).toEqual(['large']);
  expect([lookout.leftOut, lookout.waitsForRest]).toEqual([0, false]);
});

test('what is copied because it is written all the time is read at once, however much else there is to read', async () => {
  const watch = { directory: () => undefined, forget: () => undefined, close: () => undefined };
  const signals = { later: (...what: [string, number]) => void later.push(what), isCollecting: false };
  lookout = new Lookout(sync, watch, signals, { isOnItsWay: (path) => path === 'database' });
  onTestFinished(() => sync.snapshots.clear());
  onTestFinished(() => lookout.readings.close());
  await lookout.readIgnores();
  for (const path of ['another', 'database']) {
    await writeFile(on(path), '');
    await truncate(on(path), 40 * MIB);
  }
  expect(await look('another', 'database')).toEqual(['another', 'database']);
  expect(sync.snapshots.placeOf('database')).toBeDefined();
});

test('that a large file cannot be read is said once, and taken back when it can be', async () => {
  await writeFile(on('large'), '');
  await truncate(on('large'), LARGE);
  const read = vi.spyOn(sync.pool, 'blocksOf');
  read.mockRejectedValue(Object.assign(new Error('i/o error'), { code: 'EIO' }));
  await look('large');
  await lookLater();
  expect([sync.state.problems(), lookout.leftOut]).toMatchObject([[{ path: 'large' }], 1]);
  const set = vi.spyOn(sync.state, 'setProblem');
  await look('');
  expect([sync.state.problems(), lookout.blocked('large')]).toMatchObject([[{ path: 'large' }], true]);
  await lookLater();
  expect([set.mock.calls, sync.state.problems()]).toMatchObject([[], [{ path: 'large' }]]);
  read.mockRestore();
  await look('');
  expect(await lookLater()).toEqual(['large']);
  expect([sync.state.problems(), lookout.leftOut, sizes()]).toEqual([[], 0, { large: LARGE }]);
});

test('a large file that goes while it is read is waited for no longer', async () => {
  await writeFile(on('large'), '');
  await truncate(on('large'), LARGE);
  await look('large');
  await unlink(on('large'));
  expect(await look('')).toEqual([]);
  expect([sizes(), lookout.waitsForRest, lookout.readings.has('large')]).toEqual([{}, false, false]);
});

test('a missing file may be the one of its size that is being read', async () => {
  await writeFile(on('new'), '');
  await truncate(on('new'), LARGE);
  const agreed = { kind: 'file', mode: 0o644, mtime_ms: 0, blocks: [], version: 1 } as const;
  sync.state.set('synced', 'old', { ...agreed, size: LARGE, identity: '1:2:3' });
  sync.state.set('synced', 'other', { ...agreed, size: 1, identity: '1:3:3' });
  await look('');
  expect([lookout.isUnsettled('old'), lookout.isUnsettled('other')]).toEqual([true, false]);
  await lookLater();
  expect(lookout.isUnsettled('old')).toBe(false);
});

test('of many large files the first are looked at while the others are read, and those in fewer and fewer looks', async () => {
  const told: string[][] = [[]];
  const readings = new Readings((path) => void told.at(-1)!.push(path));
  for (let file = 0; file < 100; file++) {
    const stats = { size: BigInt(20 * MIB) } as BigIntStats;
    readings.read(String(file), stats, async () => {
      if (told.at(-1)!.length > 0) told.push([]);
      return undefined;
    });
  }
  await vi.waitUntil(() => told.flat().length === 100);
  expect(told.map((paths) => paths.length)).toEqual([4, 4, 4, 4, 4, 5, 7, 8, 10, 13, 16, 20, 1]);
});
