import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyDelta, BLOCK_BYTES, blockRanges, sha256, toHex } from '../../codec/index.ts';
import { FilePool } from '../../codec/node/file-pool.ts';
import { concat, noise } from './pairs.ts';

const old = noise(10 * BLOCK_BYTES + 1000);
const changed = concat([
  noise(50, 2),
  old.subarray(0, 3 * BLOCK_BYTES),
  noise(70, 3),
  old.subarray(3 * BLOCK_BYTES, 9 * BLOCK_BYTES),
]);

const pool = new FilePool(2);
let folder: string;
let oldPath: string;
let changedPath: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-codec-'));
  oldPath = join(folder, 'old');
  changedPath = join(folder, 'changed');
  await writeFile(oldPath, old);
  await writeFile(changedPath, changed);
});

afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

test('the blocks of a file come in order with their SHA-256', async () => {
  const blocks = await pool.blocksOf(oldPath);
  const expected = blockRanges(old.length).map(async ({ offset, length }) => ({
    hash: toHex(await sha256(old.subarray(offset, offset + length))),
    size: length,
  }));
  expect(blocks).toEqual(await Promise.all(expected));
});

test('deltas from the old version reach into neighbouring blocks, so that a shift costs next to nothing', async () => {
  const blocks = await pool.blocksOf(changedPath, { basePath: oldPath });
  expect(blocks).toHaveLength(10);
  for (const [index, { hash, size, delta }] of blocks.entries()) {
    const { bytes, first, count } = delta!;
    expect(bytes.length).toBeLessThan(200);
    const base = old.subarray(first * BLOCK_BYTES, (first + count) * BLOCK_BYTES);
    const block = await applyDelta(base, bytes, { expectedSize: size, expectedHash: hash });
    expect(Buffer.compare(block, changed.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES))).toBe(0);
  }
});

test('known blocks get no delta', async () => {
  const known = new Set((await pool.blocksOf(oldPath)).map(({ hash }) => hash));
  const blocks = await pool.blocksOf(oldPath, { basePath: changedPath, known });
  expect(blocks.every(({ delta }) => delta === undefined)).toBe(true);
});

test('a missing file is reported, and the pool goes on', async () => {
  await expect(pool.blocksOf(join(folder, 'missing'))).rejects.toThrow('ENOENT');
  await expect(pool.blocksOf(oldPath, { basePath: join(folder, 'missing') })).rejects.toThrow('ENOENT');
  expect(await pool.blocksOf(oldPath)).toHaveLength(11);
});

test('a closed pool refuses', async () => {
  const closed = new FilePool(1);
  await closed.close();
  await expect(closed.blocksOf(oldPath)).rejects.toThrow('closed');
});
