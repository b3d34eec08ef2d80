import { randomBytes } from 'node:crypto';
import { lstat, mkdir, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { hintOf } from '../../client/disk/stamps.ts';
import { FrequentSaves } from '../../client/engine/frequent-saves.ts';
import { Lookout } from '../../client/engine/lookout.ts';
import type { Api } from '../../client/service/api.ts';
import type { Sync } from '../../client/steps/context.ts';
import { temporaryFolder } from './folder.ts';
import { openSync } from './open-sync.ts';

/* Looks at a real folder, without a service and without a watch. */

const device = { id: '00000000-0000-4000-8000-000000000000', name: 'desk' };
let sync: Sync;
let lookout: Lookout;

beforeEach(async () => {
  sync = await openSync(await temporaryFolder(), {} as Api, device);
  onTestFinished(() => sync.state.close());
  const watch = { directory: () => undefined, forget: () => undefined, close: () => undefined };
  lookout = new Lookout(sync, watch, { later: () => undefined, isCollecting: false });
});

const on = (path: string): string => join(sync.root, path);
const local = (): string[] => [...sync.state.trees.local.keys()].sort();

/** Looks at these paths; answers what has to be planned then. */
async function look(...paths: string[]): Promise<string[]> {
  sync.notices.planned([]);
  for (const path of paths) sync.notices.look(path);
  await lookout.look();
  return [...sync.notices.dirty].sort();
}

test('what is new, changed and gone is in the local tree and planned; what did not change is not', async () => {
  await mkdir(on('docs'));
  for (const name of ['same', 'edited', 'docs/gone']) await writeFile(on(name), name);
  await lookout.readIgnores();
  expect(await look('')).toEqual(['docs', 'docs/gone', 'edited', 'same']);
  expect(local()).toEqual(['docs', 'docs/gone', 'edited', 'same']);
  // A young file proves nothing by its stamps: it is read until it rests.
  for (const [path, entry] of sync.state.trees.local) if (entry.hint === '') await look(path);
  await writeFile(on('edited'), randomBytes(10));
  await unlink(on('docs/gone'));
  await look('edited', 'docs/gone');
  expect(local()).toEqual(['docs', 'edited', 'same']);
  expect(sync.state.trees.local.get('edited')?.size).toBe(10);
  expect(sync.notices.unseen.size).toBe(0);
});

test('a file is as this client put it in place until it is written to', async () => {
  await writeFile(on('a'), 'put there');
  await lookout.readIgnores();
  await look('');
  const entry = { ...sync.state.trees.local.get('a')!, hint: hintOf(await lstat(on('a'), { bigint: true })) };
  sync.state.set('local', 'a', entry);
  sync.notices.wrote('a');
  const set = vi.spyOn(sync.state, 'set');
  await look('a');
  expect(set).not.toHaveBeenCalled();
  await writeFile(on('a'), 'edited');
  expect(await look('a')).toEqual(['a']);
  expect(sync.state.trees.local.get('a')?.size).toBe(6);
  await unlink(on('a'));
  await look('a');
  expect(local()).toEqual([]);
});

test('a look at a directory looks at all that is in it, and at nothing beside it', async () => {
  await mkdir(on('docs'));
  for (const name of ['docs/a', 'beside']) await writeFile(on(name), name);
  await lookout.readIgnores();
  sync.notices.takeUnseen();
  expect(await look('docs/a', 'docs')).toEqual(['docs', 'docs/a']);
  expect(local()).toEqual(['docs', 'docs/a']);
});

test('however many are gone or new, what a look finds is written down in one transaction', async () => {
  await mkdir(on('docs'));
  const names = Array.from({ length: 20 }, (_, index) => `docs/${index}`);
  for (const name of names) await writeFile(on(name), name);
  await lookout.readIgnores();
  await look('');
  for (const name of names) await unlink(on(name));
  for (const name of names) await writeFile(on(`${name} new`), 'new');
  const transactions = vi.spyOn(sync.state, 'transaction');
  const paths = names.flatMap((name) => [name, `${name} new`]);
  expect(await look(...paths)).toEqual(paths.toSorted());
  expect(transactions).toHaveBeenCalledTimes(1);
  expect(await look(...paths.filter((path) => !path.endsWith('new')))).toEqual([]);
  expect(transactions).toHaveBeenCalledTimes(1);
});

test('what rules leave out is blocked, and new rules make all be looked at and planned', async () => {
  for (const name of ['a.log', 'b']) await writeFile(on(name), name);
  await lookout.readIgnores();
  await look('');
  expect(lookout.blocked('a.log')).toBe(false);
  await writeFile(on('.tidemarkignore'), '*.log');
  await lookout.readIgnores();
  expect([...sync.notices.unseen]).toEqual(['']);
  expect([...sync.notices.dirty]).toEqual(expect.arrayContaining(['a.log', 'b']));
  expect([lookout.blocked('a.log'), lookout.blocked('b')]).toEqual([true, false]);
});

test('a start by the rules of the last one plans what was left, and one by others plans all', async () => {
  const { state } = sync;
  for (const name of ['agreed', 'new']) await writeFile(on(name), name);
  await lookout.readIgnores();
  await look('');
  const { identity, hint: _, ...content } = state.trees.local.get('agreed')!;
  state.set('remote', 'agreed', { ...content, version: 1 });
  state.set('synced', 'agreed', { ...content, version: 1, identity });
  const plannedAtStart = async (): Promise<string[]> => {
    sync.notices.planned([]);
    await lookout.readIgnores();
    return [...sync.notices.dirty];
  };
  expect(await plannedAtStart()).toEqual(['new']);
  await writeFile(on('.tidemarkignore'), 'agreed\n');
  expect(await plannedAtStart()).toEqual(expect.arrayContaining(['agreed', 'new']));
  expect(state.trees.synced.get('agreed')).toMatchObject({ lapsed: true });
  await writeFile(on('.tidemarkignore'), '');
  expect(await plannedAtStart()).toEqual(expect.arrayContaining(['agreed', 'new']));
});

test('a name that cannot be synced is listed, counted and blocked until it is renamed', async () => {
  await writeFile(on('back\\slash'), 'x');
  await lookout.readIgnores();
  await look('');
  expect([lookout.leftOut, lookout.blocked('back\\slash'), local()]).toEqual([1, true, []]);
  expect(sync.state.problems()).toMatchObject([{ path: 'back\\slash' }]);
  await rename(on('back\\slash'), on('slash'));
  expect(await look('')).toEqual(['back\\slash', 'slash']);
  expect([lookout.leftOut, sync.state.problems()]).toEqual([0, []]);
});

test('a file that is saved all the time is taken later each time, and neither its deletion nor what was not sent yet waits', async () => {
  const later: [string, number][] = [];
  const watch = { directory: () => undefined, forget: () => undefined, close: () => undefined };
  const signals = { later: (path: string, ms: number) => void later.push([path, ms]), isCollecting: false };
  let now = 0;
  lookout = new Lookout(sync, watch, signals, { frequent: new FrequentSaves(() => now) });
  await lookout.readIgnores();
  const sizeAfterSave = async (bytes: number): Promise<number | undefined> => {
    await writeFile(on('log'), randomBytes(bytes));
    await look('log');
    return sync.state.trees.local.get('log')?.size;
  };
  const agree = (): void => {
    const entry = sync.state.trees.local.get('log')!;
    sync.state.set('synced', 'log', { ...entry, version: 1 });
  };
  await writeFile(on('log'), '');
  await look('');
  agree();
  expect(await sizeAfterSave(10)).toBe(10);
  agree();
  expect(await sizeAfterSave(20)).toBe(10);
  expect([later, lookout.waitsForRest]).toEqual([[['log', 250]], true]);
  now += 250;
  expect(await sizeAfterSave(30)).toBe(30);
  // What was taken last is gone before it was sent.
  expect(await sizeAfterSave(40)).toBe(40);
  agree();
  expect(await sizeAfterSave(50)).toBe(40);
  await unlink(on('log'));
  await look('log');
  expect([local(), lookout.waitsForRest]).toEqual([[], false]);
});

test('a file that is taken later is waited for no longer once a look at its directory, or at all, has taken it', async () => {
  const watch = { directory: () => undefined, forget: () => undefined, close: () => undefined };
  lookout = new Lookout(
    sync,
    watch,
    { later: () => undefined, isCollecting: false },
    { frequent: new FrequentSaves(() => 0) },
  );
  await mkdir(on('logs'));
  await writeFile(on('logs/log'), '');
  await lookout.readIgnores();
  await look('');
  for (const around of ['logs', '']) {
    for (const save of [1, 2]) {
      await writeFile(on('logs/log'), randomBytes(10 * save));
      await look('logs/log');
      const entry = sync.state.trees.local.get('logs/log')!;
      sync.state.set('synced', 'logs/log', { ...entry, version: 1 });
    }
    expect(lookout.waitsForRest).toBe(true);
    await look(around, 'logs/log');
    expect([sync.state.trees.local.get('logs/log')?.size, lookout.waitsForRest]).toEqual([20, false]);
  }
});

test('more paths may be missing at once than a call takes arguments', async () => {
  const file = { kind: 'file', size: 0, mode: 0o644, mtime_ms: 0, blocks: [], identity: '1:2:3', hint: '' } as const;
  const paths = Array.from({ length: 150_000 }, (_, nth) => `gone/${nth}`);
  sync.state.transaction(() => {
    for (const path of paths) sync.state.set('local', path, file);
  });
  await lookout.readIgnores();
  expect(await look('')).toHaveLength(paths.length);
  expect(local()).toEqual([]);
});
