import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { applyDelta, BLOCK_BYTES, blockRanges, sha256, toHex } from '../../codec/index.ts';
import { FilePool } from '../../codec/node/file-pool.ts';
import { concat, noise } from './pairs.ts';

const old = noise(10 * BLOCK_BYTES + 1000);
const changed = concat([
  noise(50, 2),
  old.subarray(0, 3 * BLOCK_BYTES),
  noise(70, 3),
  old.subarray(3 * BLOCK_BYTES, 9 * BLOCK_BYTES - 120),
]);
/** Blocks of the grid, each from the old one of its number. */
const grid = (...numbers: number[]) =>
  numbers.map((from) => ({ offset: from * BLOCK_BYTES, length: BLOCK_BYTES, from }));
const all = (bytes: Uint8Array) => grid(...blockRanges(bytes.length).keys());

let folder: string;
let oldFile: FileHandle;
let changedFile: FileHandle;
let started = 0;
const count = (): void => {
  started++;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-codec-'));
  await writeFile(join(folder, 'old'), old);
  await writeFile(join(folder, 'changed'), changed);
  oldFile = await open(join(folder, 'old'));
  changedFile = await open(join(folder, 'changed'));
  process.on('worker', count);
});

afterAll(async () => {
  process.off('worker', count);
  for (const file of [oldFile, changedFile]) await file.close();
  await rm(folder, { recursive: true });
});

/** The old version, by numbers of its blocks. */
function oldBlocks(path = join(folder, 'old')) {
  return new Map(blockRanges(old.length).map(({ offset, length }, number) => [number, { path, offset, size: length }]));
}

describe.each([
  { where: 'on the calling thread', warmUps: 0, threads: 0 },
  { where: 'on two other threads', warmUps: 2, threads: 2 },
])('$where', ({ warmUps, threads }) => {
  let pool: FilePool;

  /** A pool that did some work before; the first of it, on the calling thread. */
  async function warmPool(): Promise<FilePool> {
    started = 0;
    pool = new FilePool(2);
    for (let i = 0; i < warmUps; i++) await pool.blocksOf(oldFile.fd, all(old));
    const search = { file: oldFile.fd, from: 0, to: old.length, sought: [] };
    await Promise.all(Array.from({ length: threads }, () => pool.find(search)));
    return pool;
  }

  afterEach(async () => {
    await pool.close();
    expect(started).toBe(threads);
  });

  test('the blocks of a file come in order with their SHA-256', async () => {
    const blocks = await (await warmPool()).blocksOf(oldFile.fd, all(old));
    const expected = blockRanges(old.length).map(async ({ offset, length }) => ({
      hash: toHex(await sha256(old.subarray(offset, offset + length))),
      size: length,
    }));
    expect(blocks).toEqual(await Promise.all(expected));
  });

  test.each([{ asked: [0, 1, 2, 3, 4, 5, 6, 7, 8] }, { asked: [1, 3, 4, 6, 8, 0] }])(
    'deltas of blocks $asked reach into neighbouring blocks, so that a shift costs next to nothing',
    async ({ asked }) => {
      const blocks = await (await warmPool()).blocksOf(changedFile.fd, grid(...asked), oldBlocks());
      expect(blocks).toHaveLength(asked.length);
      for (const [index, { hash, size, delta }] of blocks.entries()) {
        const number = asked[index]!;
        const { bytes, first, count } = delta!;
        expect(bytes.length).toBeLessThan(200);
        const base = old.subarray(first * BLOCK_BYTES, (first + count) * BLOCK_BYTES);
        const block = await applyDelta(base, bytes, { expectedSize: size, expectedHash: hash });
        expect(Buffer.compare(block, changed.subarray(number * BLOCK_BYTES, (number + 1) * BLOCK_BYTES))).toBe(0);
      }
    },
  );

  test('the base is the old block alone when that is good enough, and its predecessor when that is all there is', async () => {
    const [same] = await (await warmPool()).blocksOf(oldFile.fd, grid(5), oldBlocks());
    expect(same!.delta).toMatchObject({ first: 5, count: 1 });
    const moved = join(folder, 'moved');
    await writeFile(moved, concat([noise(BLOCK_BYTES, 9), old.subarray(0, BLOCK_BYTES)]));
    const file = await open(moved);
    const [next] = await pool.blocksOf(file.fd, grid(1), new Map([[0, oldBlocks().get(0)!]]));
    await file.close();
    expect(next!.delta).toMatchObject({ first: 0, count: 1 });
  });

  test('blocks lie anywhere, and a base has as many small old blocks as there are up to a block away', async () => {
    const sizes = [2, 2, 2, 1, 4, 2].map((quarters) => (quarters * BLOCK_BYTES) / 4);
    let offset = 0;
    const halves = new Map(
      sizes.map((size, number) => {
        const place = { path: join(folder, 'old'), offset, size };
        offset += size;
        return [number, place] as const;
      }),
    );
    // From the middle of old block 2, whose end moved on.
    const start = 50 + (5 * BLOCK_BYTES) / 4;
    const length = BLOCK_BYTES / 2;
    const [block] = await (await warmPool()).blocksOf(changedFile.fd, [{ offset: start, length, from: 2 }], halves);
    expect(block!.delta).toMatchObject({ first: 0, count: 4 });
    expect(block!.delta!.bytes.length).toBeLessThan(200);
    const base = old.subarray(0, (7 * BLOCK_BYTES) / 4);
    const expected = { expectedSize: length, expectedHash: block!.hash };
    const made = await applyDelta(base, block!.delta!.bytes, expected);
    expect(Buffer.compare(made, changed.subarray(start, start + length))).toBe(0);
  });

  test('there is no delta that is hardly shorter than the block, and none from old blocks that cannot be read', async () => {
    const far = new Map([[0, oldBlocks().get(7)!]]);
    const [block] = await (await warmPool()).blocksOf(oldFile.fd, grid(0), far);
    expect(block!.delta).toBeUndefined();
    for (const unreadable of [oldBlocks(join(folder, 'missing')), oldBlocks(folder)]) {
      const [same] = await pool.blocksOf(oldFile.fd, grid(1), unreadable);
      expect(same!.delta).toBeUndefined();
    }
  });

  test('what reading throws arrives with its code, and the pool goes on', async () => {
    const directory = await open(folder);
    await expect((await warmPool()).blocksOf(directory.fd, grid(0))).rejects.toMatchObject({ code: 'EISDIR' });
    await directory.close();
    expect(await pool.blocksOf(oldFile.fd, grid(10, 11))).toMatchObject([{ size: 1000 }, { size: 0 }]);
  });
});

test('many small files start no threads', async () => {
  started = 0;
  const pool = new FilePool(2);
  await writeFile(join(folder, 'small'), old.subarray(0, 100_000));
  const small = await open(join(folder, 'small'));
  for (let file = 0; file < 100; file++) await pool.blocksOf(small.fd, grid(0));
  await small.close();
  await pool.close();
  expect(started).toBe(0);
});

test('while threads start, the calling thread goes on, also where none ever does', async () => {
  started = 0;
  process.once('worker', (worker) => void worker.terminate());
  const pool = new FilePool(1);
  await pool.blocksOf(oldFile.fd, all(old));
  // The last of these is beyond what is read before a thread is started.
  const blocks = await pool.blocksOf(oldFile.fd, all(old).slice(0, 7));
  expect([blocks.length, started]).toEqual([7, 1]);
  await pool.close();
});

test('a closed pool refuses, also what it had begun', async () => {
  const pool = new FilePool(1);
  await pool.blocksOf(oldFile.fd, all(old));
  const begun = pool.blocksOf(oldFile.fd, [...all(old), ...all(old)]);
  const outcome = expect(begun).rejects.toThrow(/ended|closed/);
  await pool.close();
  await outcome;
  await expect(pool.blocksOf(oldFile.fd, grid(0))).rejects.toThrow('closed');
});
