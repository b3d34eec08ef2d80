import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyDelta, BLOCK_BYTES } from '../../codec/index.ts';
import { FilePool } from '../../codec/node/file-pool.ts';
import type { OldBlock } from '../../codec/node/segment.ts';
import { concat, noise } from './pairs.ts';

const MOST_BYTES = 0.007 * BLOCK_BYTES;
const old = [noise(BLOCK_BYTES, 1), noise(700, 2)] as const;
const edited = concat([old[0].subarray(0, 5000), noise(100, 3), old[0].subarray(5000, BLOCK_BYTES - 100)]);

let folder: string;
let oldFile: FileHandle;
let editedFile: FileHandle;
let pool: FilePool;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-codec-'));
  await writeFile(join(folder, 'old'), concat([...old]));
  await writeFile(join(folder, 'edited'), edited);
  oldFile = await open(join(folder, 'old'));
  editedFile = await open(join(folder, 'edited'));
  pool = new FilePool(1);
});

afterAll(async () => {
  await pool.close();
  for (const file of [oldFile, editedFile]) await file.close();
  await rm(folder, { recursive: true });
});

/** A block whose sketch was put into a file of its own. */
async function sketched(number: 0 | 1): Promise<OldBlock & { bytes: number; hash: string }> {
  const [block] = await pool.sketchesOf(oldFile.fd, [{ offset: number * BLOCK_BYTES, length: old[number].length }]);
  const path = join(folder, `sketch ${number}`);
  await writeFile(path, block!.sketch!);
  return { path, offset: 0, size: block!.size, isSketch: true, bytes: block!.sketch!.length, hash: block!.hash };
}

const wholeBlock = [{ offset: 0, length: BLOCK_BYTES, from: 0 }];

test('a sketch takes little, and an edit costs little more than with the block at hand', async () => {
  const { bytes, ...place } = await sketched(0);
  expect(bytes).toBeLessThan(MOST_BYTES);
  const [block] = await pool.blocksOf(editedFile.fd, wholeBlock, new Map([[0, place]]));
  expect(block!.delta).toMatchObject({ first: 0, count: 1 });
  expect(block!.delta!.bytes.length).toBeLessThan(5000);
  const made = await applyDelta(old[0], block!.delta!.bytes, { expectedSize: BLOCK_BYTES, expectedHash: block!.hash });
  expect(Buffer.compare(made, edited)).toBe(0);
});

test('a neighbour that is whole serves where a sketch does not', async () => {
  const block = { path: join(folder, 'old'), offset: 0, size: BLOCK_BYTES };
  const [made] = await pool.blocksOf(
    editedFile.fd,
    [{ ...wholeBlock[0]!, from: 1 }],
    new Map([
      [0, block],
      [1, await sketched(1)],
    ]),
  );
  expect(made!.delta).toMatchObject({ first: 0, count: 1 });
});

test.each([
  ['is missing', undefined],
  ['is none', noise(1500, 4)],
])('there is no delta from a sketch that %s', async (_, content) => {
  const path = join(folder, 'damaged');
  if (content) await writeFile(path, content);
  const place = { path, offset: 0, size: BLOCK_BYTES, isSketch: true };
  const [block] = await pool.blocksOf(editedFile.fd, wholeBlock, new Map([[0, place]]));
  expect(block!.delta).toBeUndefined();
});

test.each([0, 1] as const)('a block is found again in a file by its sketch', async (number) => {
  const { hash, bytes: _, ...place } = await sketched(number);
  const at = 12_345;
  await writeFile(join(folder, 'moved'), concat([noise(at, 5), old[number], noise(50, 6)]));
  const file = await open(join(folder, 'moved'));
  const sought = [{ number: 7, hash, place }];
  expect(await pool.find({ file: file.fd, from: 0, to: at + old[number].length + 50, sought })).toEqual({
    number: 7,
    offset: at,
  });
  await file.close();
});
