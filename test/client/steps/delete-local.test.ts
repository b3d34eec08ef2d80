import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { type RemoteEntry, syncedEntry } from '../../../client/plan/tree.ts';
import { deleteLocal } from '../../../client/steps/delete-local.ts';
import { atFlush } from '../at-flush.ts';
import { temporaryFolder } from '../folder.ts';
import { openFolder, type StepFolder } from './open-folder.ts';

/* What another device deleted goes together: each if it is what was known, all of it flushed before it is agreed on. */

const files = ['a/1', 'a/2', 'a/deep/3', 'a/deep/4', 'b/5', '6'];
/** As a plan has them: what is in a directory before it. */
const deletions = ['b/5', 'a/deep/4', 'a/deep/3', 'a/deep', 'a/2', 'a/1', '6'];
const directory: RemoteEntry = { kind: 'directory', size: 0, mode: 0o755, mtime_ms: 0, blocks: [], version: 1 };

let folder: StepFolder;

beforeEach(async () => {
  folder = await openFolder();
  await mkdir(folder.on('a/deep'), { recursive: true });
  await mkdir(folder.on('b'));
  await folder.agreed(Object.fromEntries(files.map((path) => [path, path])));
  const { state } = folder.sync;
  for (const path of ['a', 'a/deep', 'b']) {
    state.set('synced', path, syncedEntry(directory, state.trees.local.get(path)!));
  }
});

/** Paths that are known to be on the disk, or were agreed on. */
const known = (): string[] => [...new Set([...folder.sync.state.trees.local.keys(), ...agreed()])].sort();
const agreed = (): string[] => [...folder.sync.state.trees.synced.keys()].sort();

test('each directory that lost names is flushed once, and all is agreed on together after that', async () => {
  const { sync, on } = folder;
  const flushed: { readonly ino: number; readonly agreed: number }[] = [];
  await atFlush(sync.root, async (file) => {
    flushed.push({ ino: (await file.stat()).ino, agreed: agreed().length });
  });
  const transactions = vi.spyOn(sync.state, 'transaction');
  await deleteLocal(sync, deletions);
  const around = await Promise.all(['b', 'a', ''].map(async (path) => (await stat(on(path))).ino));
  // Some at the same time, in any order.
  expect(flushed.map(({ ino }) => ino).sort()).toEqual(around.sort());
  expect(
    flushed.map((each) => each.agreed),
    'I15: agreed on before it was flushed',
  ).toEqual([9, 9, 9]);
  expect(transactions).toHaveBeenCalledTimes(1);
  expect(known()).toEqual(['a', 'b']);
  expect(
    (await readdir(sync.root, { recursive: true })).filter((path) => !path.startsWith('.tidemark')).sort(),
  ).toEqual(['a', 'b']);
});

test('what could not be flushed is not agreed on, nor what was in a directory that went', async () => {
  const { sync, on } = folder;
  const { ino } = await stat(on('a'));
  await atFlush(sync.root, async (file) => {
    if ((await file.stat()).ino === ino) throw Object.assign(new Error('EIO'), { code: 'EIO' });
  });
  await deleteLocal(sync, deletions);
  expect(known(), 'I15: would come back after a power cut').toEqual([
    'a',
    'a/1',
    'a/2',
    'a/deep',
    'a/deep/3',
    'a/deep/4',
    'b',
  ]);
  expect(sync.failures.paths.sort()).toEqual(['a/1', 'a/2', 'a/deep', 'a/deep/3', 'a/deep/4']);
});

test('what is not as it was known stays, with the directories around it, and the others go', async () => {
  const { sync, on, text } = folder;
  await writeFile(on('a/deep/3'), 'edited');
  await deleteLocal(sync, deletions);
  expect(await text('a/deep/3'), 'I15: an edited file').toBe('edited');
  expect(known()).toEqual(['a', 'a/deep', 'a/deep/3', 'b']);
  expect(sync.failures.paths.sort()).toEqual(['a/deep', 'a/deep/3']);
});

test('directories that hold nothing but what is not synced stay, and are no longer the service’s', async () => {
  const { sync, on, text } = folder;
  await writeFile(on('a/deep/ignored'), 'precious');
  await deleteLocal(sync, [...deletions, 'a']);
  expect(await text('a/deep/ignored')).toBe('precious');
  expect(agreed()).toEqual(['b']);
  for (const path of ['a', 'a/deep']) expect(sync.state.trees.local.get(path)).toMatchObject({ leftover: true });
  expect(sync.failures.paths).toEqual([]);
});

test('nothing is deleted through a symbolic link', async () => {
  const { sync, on } = folder;
  const outside = await temporaryFolder();
  await rename(on('a'), join(outside, 'a'));
  await symlink(join(outside, 'a'), on('a'));
  await deleteLocal(sync, deletions);
  expect(existsSync(join(outside, 'a/deep/3')), 'I17: a file outside of the folder').toBe(true);
  expect(known()).toEqual(['a', 'a/1', 'a/2', 'a/deep', 'a/deep/3', 'a/deep/4', 'b']);
});
