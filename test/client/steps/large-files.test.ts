import { hash } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { SKETCHED_FILE_BYTES } from '../../../client/disk/block-cache.ts';
import { compileIgnores } from '../../../client/disk/ignore.ts';
import { diskPath } from '../../../client/disk/paths.ts';
import { scan } from '../../../client/disk/scan.ts';
import { Gate } from '../../../client/service/gate.ts';
import { newDownChannel } from '../../../client/steps/channels.ts';
import { deltasFor } from '../../../client/steps/deltas.ts';
import { BlockSource } from '../../../client/steps/fetch-blocks.ts';
import { type Written, writeFetched } from '../../../client/steps/write-fetched.ts';
import { applyDelta, BLOCK_BYTES } from '../../../codec/index.ts';
import { answerOf, serveTls } from '../cdn.ts';
import { openFolder, type StepFolder } from './open-folder.ts';

/* Files of which sketches are kept: new ones beyond a size. */

const COUNT = SKETCHED_FILE_BYTES / BLOCK_BYTES + 1;
const contents = Array.from({ length: COUNT }, (_, number) => Buffer.alloc(BLOCK_BYTES, `block ${number} `));
const blocks = contents.map((bytes) => ({ hash: hash('sha256', bytes), size: bytes.length }));
const content = { kind: 'file', size: COUNT * BLOCK_BYTES, mode: 0o644, mtime_ms: 1_700_000_000_000 } as const;

interface Wrote extends StepFolder {
  readonly written: Promise<Written>;
  /** The numbers of the blocks that were asked of the CDN. */
  readonly asked: readonly number[];
}

/**
 * Fetches a new file.
 * @param damaged times that its block arrives as another one
 */
async function fetch(damaged: ReadonlyMap<number, number> = new Map()): Promise<Wrote> {
  const asked: number[] = [];
  const base = await serveTls((request, response) => {
    const number = blocks.findIndex(({ hash }) => request.url === `/${hash}`);
    const times = asked.filter((each) => each === number).length;
    asked.push(number);
    response.end(times < (damaged.get(number) ?? 0) ? Buffer.alloc(BLOCK_BYTES) : contents[number]);
  });
  const folder = await openFolder({
    download: async ({ files }) => {
      const hashes = files.flatMap(({ lacks = [] }) => lacks);
      const urls = Object.fromEntries(hashes.map((each) => [each, `${base}${each}`]));
      return answerOf({ urls });
    },
  });
  const { sync } = folder;
  onTestFinished(() => sync.pool.close());
  const file = { path: 'a', remote: { ...content, version: 1, blocks } };
  const source = new BlockSource(sync, [file], newDownChannel(new Gate()));
  const target = { ...content, place: diskPath(sync.root, 'a'), folderId: sync.state.folderId, blocks };
  const written = writeFetched(sync, file, target, { source, signal: new AbortController().signal });
  return { ...folder, written, asked };
}

async function demandWritten({ written, sync }: Wrote): Promise<void> {
  const { beside } = await written;
  const text = await readFile(beside.temporary);
  expect(text.equals(Buffer.concat(contents)), 'I16: what is beside the place').toBe(true);
  expect(blocks.filter(({ hash }) => sync.cache.has(hash))).toEqual([]);
  const places = blocks.map(({ hash }) => sync.cache.placeOf(hash)!);
  for (const { path, isSketch } of places) expect([isSketch, (await stat(path)).size < 30_000]).toEqual([true, true]);
}

test('of a large file that arrives sketches are kept', async () => {
  const file = await fetch();
  await demandWritten(file);
  expect(file.asked.length).toBe(COUNT);
});

test('what arrived damaged of it is found when it is read back, and is fetched again', async () => {
  const file = await fetch(
    new Map([
      [3, 1],
      [16, 2],
    ]),
  );
  await demandWritten(file);
  expect(file.asked.length).toBe(COUNT + 3);
});

test('it fails when it arrives damaged, however often it is asked for, and leaves nothing', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'], shouldAdvanceTime: true, advanceTimeDelta: 2000 });
  onTestFinished(() => void vi.useRealTimers());
  const { written, sync } = await fetch(new Map([[3, Number.POSITIVE_INFINITY]]));
  await expect(written, 'I16: a block that is not what it is called').rejects.toThrow(/damaged/);
  expect(await readdir(sync.root)).toEqual(['.tidemark']);
});

test('it fails on a disk that does not keep what is written again', async () => {
  const probe = await open(import.meta.filename);
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const write = prototype.write as (...parameters: unknown[]) => Promise<{ bytesWritten: number }>;
  const lossy = vi.spyOn(prototype, 'write').mockImplementation(async function (
    this: FileHandle,
    ...parameters: unknown[]
  ) {
    const [bytes, from, length, offset] = parameters as [Buffer, number, number, number];
    if (offset === 5 * BLOCK_BYTES) return { bytesWritten: length, buffer: bytes };
    return (await write.call(this, bytes, from, length, offset)) as never;
  } as typeof prototype.write);
  onTestFinished(() => lossy.mockRestore());
  const { written, sync } = await fetch();
  await expect(written, 'I28: what the disk holds').rejects.toThrow(/did not keep/);
  expect(await readdir(sync.root)).toEqual(['.tidemark']);
});

test('of a large file that is found here sketches are kept, from which an edit of it is a delta', async () => {
  const { sync, on, hintAt } = await openFolder();
  onTestFinished(() => sync.pool.close());
  await writeFile(on('a'), Buffer.concat(contents));
  const { root, pool, state, cache } = sync;
  const options = { root, pool, folderId: state.folderId, ignores: compileIgnores(''), known: new Map() };
  const { found } = await scan([''], { ...options, onSketch: (...sketch) => cache.putSketch(...sketch) });
  expect(found.get('a')!.blocks).toEqual(blocks);
  expect((await readdir(join(root, '.tidemark/blocks'))).length).toBe(COUNT);

  const edited = Buffer.from(contents[9]!);
  edited.set(Buffer.from('an edit'), 1_000_000);
  const file = await open(on('a'), 'r+');
  await file.write(edited, 0, BLOCK_BYTES, 9 * BLOCK_BYTES);
  await file.close();
  const now = blocks.with(9, { hash: hash('sha256', edited), size: BLOCK_BYTES });
  const local = { ...content, blocks: now, identity: '', hint: await hintAt('a') };
  const effort = { bytes: 1_000_000, onTheLink: () => 0 };
  const deltas = await deltasFor({ path: 'a', local, remote: { ...content, blocks, version: 1 } }, sync, effort);
  const { base, bytes } = deltas.get(now[9]!.hash)!;
  expect([deltas.size, base.first, base.count, bytes.length < 5000]).toEqual([1, 9, 1, true]);
  const expected = { expectedSize: BLOCK_BYTES, expectedHash: now[9]!.hash };
  expect(Buffer.from(await applyDelta(contents[9]!, bytes, expected)).equals(edited)).toBe(true);
});
