import fs from 'node:fs';
import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { putInPlace } from '../../client/disk/put-in-place.ts';
import { hintOf, identityOf } from '../../client/disk/stamps.ts';
import { writeTogether } from '../../client/disk/write-together.ts';
import type { RemoteEntry } from '../../client/plan/tree.ts';
import { downloadEntries } from '../../client/steps/download.ts';
import { atFlush } from './at-flush.ts';
import { replaceWith } from './folder.ts';
import { blockOf, openFolder, type StepFolder } from './steps/open-folder.ts';

test('content is flushed before it takes its place, and its name after that', async () => {
  const { sync, on } = await openFolder();
  const place = on('a');
  const flushes: string[] = [];
  const there = (): Promise<string> => readFile(place, 'utf8').catch(() => 'nothing');
  const blocks = [await blockOf('new')];
  const { folderId } = sync.state;
  const target = { folderId, place, expected: undefined, mode: 0o644, mtime_ms: 0, blocks };
  await replaceWith(target, async (file) => {
    await file.write(Buffer.from('new'));
    await atFlush(sync.root, async (flushed) => {
      flushes.push(`${(await flushed.stat()).isDirectory() ? 'directory' : 'file'}, ${await there()} in place`);
    });
  });
  expect(flushes, 'I16: the order on disk').toEqual(['file, nothing in place', 'directory, new in place']);
  expect((await stat(place)).size).toBe(3);
});

test('small files are flushed before any takes its place, their directory once after that; one that fails fails alone', async () => {
  const { sync, on } = await openFolder();
  const names = ['a', 'gone/b', 'c'];
  const events: string[] = [];
  const there = async (): Promise<string> =>
    (await readdir(sync.root)).filter((name) => names.includes(name)).join(' ');
  const { fsync } = fs;
  onTestFinished(() => {
    fs.fsync = fsync;
    syncBuiltinESMExports();
  });
  fs.fsync = Object.assign((file: number, done: (error: NodeJS.ErrnoException | null) => void) => {
    void there().then((places) => {
      events.push(`file, ${places} in place`);
      fsync(file, done);
    });
  }, fsync);
  syncBuiltinESMExports();
  await atFlush(sync.root, async () => void events.push(`directory, ${await there()} in place`));

  const files = names.map((name) => ({
    place: on(name),
    folderId: sync.state.folderId,
    mode: 0o640,
    mtime_ms: 1_700_000_000_000,
    bytes: Buffer.from(name),
  }));
  const besides = await writeTogether(files);
  expect(besides.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const placed = await putInPlace(
    besides.flatMap((beside, index) =>
      beside.status === 'fulfilled' ? [{ ...beside.value, ...files[index]!, expected: undefined }] : [],
    ),
  );
  expect(events, 'I16: the order on disk').toEqual(['file,  in place', 'file,  in place', 'directory, a c in place']);
  const stats = await lstat(on('c'), { bigint: true });
  expect([await readFile(on('c'), 'utf8'), Number(stats.mode) & 0o777, stats.mtimeMs]).toEqual([
    'c',
    0o640,
    1_700_000_000_000n,
  ]);
  expect(placed[1]).toEqual({ status: 'fulfilled', value: { identity: identityOf(stats), hint: hintOf(stats) } });
  expect((await readdir(sync.root)).sort()).toEqual(['.tidemark', 'a', 'c']);
});

describe('directories that arrive together', () => {
  const directory: RemoteEntry = { kind: 'directory', size: 0, mode: 0o755, mtime_ms: 0, blocks: [], version: 1 };
  const paths = ['d', 'd/a', 'd/b', 'd/b/deep', 'e'];
  /** By inode: what of them is agreed on when the directory is flushed. */
  let flushed: [bigint, number][];
  let folder: StepFolder;

  /** @param fails the path of a directory that cannot be flushed */
  async function receive(fails?: string): Promise<void> {
    folder = await openFolder();
    flushed = [];
    const { sync } = folder;
    for (const path of paths) sync.state.set('remote', path, directory);
    await atFlush(sync.root, async (file) => {
      const { ino } = await file.stat({ bigint: true });
      flushed.push([ino, sync.state.trees.synced.size]);
      const bad = fails === undefined ? undefined : await stat(join(sync.root, fails), { bigint: true });
      if (ino === bad?.ino) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    });
    await downloadEntries(sync, paths);
  }
  const agreed = (): string[] => [...folder.sync.state.trees.synced.keys()];

  test('are agreed on once that around them was flushed, once for all of them', async () => {
    await receive();
    const inodes = ['', 'd', 'd/b'].map(
      async (path) => (await stat(join(folder.sync.root, path), { bigint: true })).ino,
    );
    expect(flushed.map(([ino]) => ino)).toEqual(await Promise.all(inodes));
    expect(
      flushed.map(([, count]) => count),
      'I16: agreed on before',
    ).toEqual([0, 2, 4]);
    expect(agreed().sort()).toEqual(paths);
  });

  test('are not agreed on where that around them, or one above, could not be flushed', async () => {
    await receive('');
    expect(agreed()).toEqual([]);
    await receive('d');
    expect(agreed()).toEqual(['d', 'e']);
  });
});
