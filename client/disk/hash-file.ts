import { hash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync } from 'node:fs';
import { copyFile, lstat } from 'node:fs/promises';
import { blockRanges } from '../../codec/index.ts';
import type { FilePool } from '../../codec/node/file-pool.ts';
import type { Block } from '../../protocol/entry.ts';
import { batched } from '../common/batched.ts';
import { holdsSignIn, MOST_SIGN_IN_BYTES } from './holds-sign-in.ts';
import { openNow, readNow } from './read-at.ts';
import { hintOf } from './stamps.ts';

/**
 * A file whose last change is younger than this may change again without its time stamp showing it. A time stamp in the
 * future is as old: the clock was set back since.
 */
const RACY_MS = 20;

/** `hintOf`, or empty when the file is so young that the hint proves nothing. */
function settledHint(stats: BigIntStats, now: number): string {
  return Math.abs(now - Number(stats.ctimeMs)) < RACY_MS ? '' : hintOf(stats);
}

/** Blocks of a large file that are read before the progress is told. */
const BLOCKS_AT_A_TIME = 64;

/**
 * The blocks of a file, its state while they were read, and whether it is a device's configuration; `undefined` when it
 * changed meanwhile or is no file any more. Throws what opening or reading it throws.
 *
 * @param onRead told of the bytes of each large part that was read
 */
export async function hashFile(
  place: string,
  pool: FilePool,
  onRead: (bytes: number) => void = () => undefined,
): Promise<{ stats: BigIntStats; blocks: Block[]; hint: string; isSignIn: boolean } | undefined> {
  const file = openNow(place);
  try {
    const started = Date.now();
    const before = fstatSync(file, { bigint: true });
    if (!before.isFile()) return undefined;
    const hashed = await hashBlocks(file, Number(before.size), pool, onRead);
    const after = fstatSync(file, { bigint: true });
    if (!hashed || hintOf(before) !== hintOf(after)) return undefined;
    return { stats: after, ...hashed, hint: settledHint(after, started) };
  } finally {
    closeSync(file);
  }
}

/** As `hashFile`, by way of a copy that holds what was hashed, whatever becomes of the file. */
export async function hashCopy(
  place: string,
  copy: string,
  pool: FilePool,
  onRead?: (bytes: number) => void,
): ReturnType<typeof hashFile> {
  const started = Date.now();
  const before = await lstat(place, { bigint: true });
  await copyFile(place, copy, constants.COPYFILE_FICLONE);
  const after = await lstat(place, { bigint: true });
  if (!before.isFile() || hintOf(before) !== hintOf(after)) return undefined;
  const hashed = await hashFile(copy, pool, onRead);
  return hashed && { ...hashed, stats: after, hint: settledHint(after, started) };
}

/** What is read on this thread takes less time than handing it to another, and all that may be a sign-in is among it. */
async function hashBlocks(
  file: number,
  size: number,
  pool: FilePool,
  onRead: (bytes: number) => void,
): Promise<{ blocks: Block[]; isSignIn: boolean } | undefined> {
  if (size === 0) return { blocks: [], isSignIn: false };
  if (size <= MOST_SIGN_IN_BYTES) {
    const bytes = readNow(file, 0, size);
    if (bytes.length !== size) return undefined;
    return { blocks: [{ hash: hash('sha256', bytes), size }], isSignIn: holdsSignIn(bytes) };
  }
  const ranges = blockRanges(size);
  const blocks: Block[] = [];
  for (const numbers of batched(ranges.keys(), { most: BLOCKS_AT_A_TIME })) {
    const part = await pool.blocksOf(file, numbers);
    blocks.push(...part);
    onRead(part.reduce((sum, { size }) => sum + size, 0));
  }
  const isWhole = blocks.every((block, number) => block.size === ranges[number]!.length);
  return isWhole ? { blocks, isSignIn: false } : undefined;
}
