import { hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ReadBack } from '../../client/disk/read-back.ts';
import { BLOCK_BYTES } from '../../codec/index.ts';
import { FilePool } from '../../codec/node/file-pool.ts';
import { scratch } from '../support/scratch.ts';

const contents = Array.from({ length: 11 }, (_, number) => Buffer.alloc(BLOCK_BYTES, `block ${number} `));
const blocks = contents.map((bytes) => ({ hash: hash('sha256', bytes), size: bytes.length }));

interface Written {
  readonly file: FileHandle;
  readonly readBack: ReadBack;
  /** What was done to the file: flushed, or so many blocks of it read. */
  readonly done: (string | number)[];
  write(number: number, bytes?: Buffer): Promise<void>;
}

async function openFile(): Promise<Written> {
  const file = await open(join(await scratch('tidemark-read-back-'), 'file'), 'wx+');
  const pool = new FilePool(1);
  const done: (string | number)[] = [];
  const [flush, read] = [file.datasync.bind(file), pool.blocksOf.bind(pool)];
  vi.spyOn(file, 'datasync').mockImplementation(async () => {
    done.push('flushed');
    await flush();
  });
  vi.spyOn(pool, 'blocksOf').mockImplementation(async (fd, wanted) => {
    done.push(wanted.length);
    return read(fd, wanted);
  });
  await file.truncate(contents.length * BLOCK_BYTES);
  const readBack = new ReadBack(file, blocks, { pool });
  onTestFinished(async () => {
    await readBack.atRest();
    await Promise.all([file.close(), pool.close()]);
  });
  const write = async (number: number, bytes = contents[number]!): Promise<void> => {
    await file.write(bytes, 0, bytes.length, number * BLOCK_BYTES);
    readBack.written(number);
  };
  return { file, readBack, done, write };
}

test('what is in a file is flushed and then read back while the rest is still to come, all of it once', async () => {
  const { readBack, done, write } = await openFile();
  for (const number of [0, 1, 2, 3, 4, 5, 6, 8]) await write(number);
  await readBack.atRest();
  expect(done).toEqual(['flushed', 8]);
  for (const number of [7, 9, 10]) await write(number);
  expect(await readBack.missing()).toEqual([]);
  expect(done).toEqual(['flushed', 8, 3]);
});

test('blocks that are others are missing, whenever they came and whoever was told of them, until they are written again', async () => {
  const { file, readBack, write } = await openFile();
  const other = Buffer.alloc(BLOCK_BYTES);
  await write(2, other);
  for (const number of [0, 1, 3, 4, 5, 6, 7, 8, 9]) await write(number);
  expect(await readBack.missing(), 'one that is another, and one of which nothing was told').toEqual([2, 10]);
  for (const number of [2, 10]) await file.write(contents[number]!, 0, BLOCK_BYTES, number * BLOCK_BYTES);
  readBack.again([2, 10]);
  expect(await readBack.missing()).toEqual([]);
  await file.truncate(10 * BLOCK_BYTES);
  expect(await readBack.missing(), 'of a file of another length').toEqual([...blocks.keys()]);
});

test('a part that could not be flushed is not taken for written', async () => {
  const { file, readBack, write } = await openFile();
  vi.mocked(file.datasync).mockRejectedValueOnce(new Error('EIO: i/o error, fdatasync'));
  for (const number of blocks.keys()) await write(number);
  await expect(readBack.missing(), 'I28: what the disk holds').rejects.toThrow('EIO');
});
