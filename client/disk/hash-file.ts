import { hash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync } from 'node:fs';
import { copyFile, lstat } from 'node:fs/promises';
import { BLOCK_BYTES, blockRanges } from '../../codec/index.ts';
import type { FilePool } from '../../codec/node/file-pool.ts';
import type { Block } from '../../protocol/entry.ts';
import { batched } from '../common/batched.ts';
import { systemCode } from '../common/errors.ts';
import { bytesOf, type Placed, withOffsets } from '../plan/block-offsets.ts';
import { SKETCHED_FILE_BYTES } from './block-cache.ts';
import { hashEdited, type OldVersion } from './hash-edited.ts';
import { holdsSignIn, MOST_SIGN_IN_BYTES } from './holds-sign-in.ts';
import { openNow, readPassing } from './read-at.ts';
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

/** Takes the sketch of a block; `size` is that of the block. */
export type OnSketch = (hash: string, size: number, sketch: Uint8Array) => Promise<void>;

interface HashOptions {
  readonly pool: FilePool;
  /** What the file held before, if it was edited. */
  readonly old?: OldVersion | undefined;
  /** Told of the bytes of each large part that was read. */
  readonly onRead?: ((bytes: number) => void) | undefined;
  /** Takes those of a large file that is new. */
  readonly onSketch?: OnSketch | undefined;
}

/** What a file held while it was read. */
export interface Hashed {
  /** Of the file while it was read. */
  readonly stats: BigIntStats;
  readonly blocks: Block[];
  readonly hint: string;
  /** Whether it is a device's configuration. */
  readonly isSignIn: boolean;
}

/**
 * The blocks of a file; `undefined` when it changed meanwhile or is no file any more. Throws what opening or reading it
 * throws.
 */
export async function hashFile(place: string, options: HashOptions): Promise<Hashed | undefined> {
  const read = await readUnchanged(place, (file, size) => hashBlocks(file, size, options));
  return read && { ...read.result, stats: read.stats, hint: read.hint };
}

/**
 * Whether a file holds these blocks, one after the other, and its hint while it was read; `undefined` when it changed
 * meanwhile or is no file any more. What comes after another block is not read.
 */
export async function holdsBlocks(
  place: string,
  blocks: readonly Block[],
  pool: FilePool,
): Promise<{ holds: boolean; hint: string } | undefined> {
  const read = await readUnchanged(place, (file) => hasBlocks(file, blocks, pool));
  return read && { holds: read.result, hint: hintOf(read.stats) };
}

/** Whether an open file has these blocks, one after the other, and nothing else. Reads it up to the first other one. */
async function hasBlocks(file: number, blocks: readonly Block[], pool: FilePool): Promise<boolean> {
  if (fstatSync(file).size !== bytesOf(blocks)) return false;
  const ranges = withOffsets(blocks).map(({ offset, size }) => ({ offset, length: size }));
  // Most files that differ do so from the start.
  for (let [at, count] = [0, 1]; at < blocks.length; at += count, count = BLOCKS_AT_A_TIME) {
    const part = await pool.blocksOf(file, ranges.slice(at, at + count));
    if (part.some(({ hash }, index) => hash !== blocks[at + index]!.hash)) return false;
  }
  return true;
}

/** A block of a file with its number, from 0 on, and where it begins. */
export type NumberedBlock = Placed & { readonly number: number };

/**
 * The numbers of those of some blocks that an open file does not have where they belong. Reads all of them.
 * @param options.onSketch takes the sketches of the others
 */
export async function missingBlocks(
  file: number,
  blocks: readonly NumberedBlock[],
  { pool, onSketch }: { readonly pool: FilePool; readonly onSketch?: OnSketch | undefined },
): Promise<number[]> {
  const missing: number[] = [];
  for (const part of batched(blocks, { most: BLOCKS_AT_A_TIME })) {
    const ranges = part.map(({ offset, size }) => ({ offset, length: size }));
    const there = await (onSketch ? pool.sketchesOf(file, ranges) : pool.blocksOf(file, ranges));
    for (const [index, { hash, size, sketch }] of there.entries()) {
      const wanted = part[index]!;
      if (hash !== wanted.hash) missing.push(wanted.number);
      else if (sketch) await onSketch!(hash, size, sketch);
    }
  }
  return missing;
}

/** What is read of a file, and its state while it is; `undefined` when it changed meanwhile or is no file any more. */
async function readUnchanged<Result>(
  place: string,
  read: (file: number, size: number) => Promise<Result | undefined>,
): Promise<{ result: Result; stats: BigIntStats; hint: string } | undefined> {
  const file = openIfFile(place);
  if (file === undefined) return undefined;
  try {
    const started = Date.now();
    const before = fstatSync(file, { bigint: true });
    if (!before.isFile()) return undefined;
    const result = await read(file, Number(before.size));
    const after = fstatSync(file, { bigint: true });
    if (result === undefined || hintOf(before) !== hintOf(after)) return undefined;
    return { result, stats: after, hint: settledHint(after, started) };
  } finally {
    closeSync(file);
  }
}

/** `undefined` where a symbolic link has taken the place of the file. */
function openIfFile(place: string): number | undefined {
  try {
    return openNow(place);
  } catch (error) {
    if (systemCode(error) === 'ELOOP') return undefined;
    throw error;
  }
}

/** As `hashFile`, by way of a copy that holds what was hashed, whatever becomes of the file. */
export async function hashCopy(place: string, copy: string, options: HashOptions): Promise<Hashed | undefined> {
  const started = Date.now();
  const before = await lstat(place, { bigint: true });
  await copyFile(place, copy, constants.COPYFILE_FICLONE);
  const after = await lstat(place, { bigint: true });
  if (!before.isFile() || hintOf(before) !== hintOf(after)) return undefined;
  const hashed = await hashFile(copy, options);
  return hashed && { ...hashed, stats: after, hint: settledHint(after, started) };
}

/** What is read on this thread takes less time than handing it to another, and all that may be a sign-in is among it. */
async function hashBlocks(
  file: number,
  size: number,
  { pool, old, onRead = () => undefined, onSketch }: HashOptions,
): Promise<Pick<Hashed, 'blocks' | 'isSignIn'> | undefined> {
  if (size === 0) return { blocks: [], isSignIn: false };
  if (size <= MOST_SIGN_IN_BYTES) {
    const bytes = readPassing(file, 0, size);
    if (bytes.length !== size) return undefined;
    return { blocks: [{ hash: hash('sha256', bytes), size }], isSignIn: holdsSignIn(bytes) };
  }
  if (old && size > BLOCK_BYTES) {
    const blocks = await hashEdited(file, size, old, { pool, onRead });
    return blocks && { blocks, isSignIn: false };
  }
  const ranges = blockRanges(size);
  const blocks: Block[] = [];
  const isSketched = onSketch !== undefined && size > SKETCHED_FILE_BYTES;
  for (const batch of batched(ranges, { most: BLOCKS_AT_A_TIME })) {
    const part = await (isSketched ? pool.sketchesOf(file, batch) : pool.blocksOf(file, batch));
    for (const { hash, size, sketch } of part) {
      blocks.push({ hash, size });
      if (sketch) await onSketch!(hash, size, sketch);
    }
    onRead(part.reduce((sum, { size }) => sum + size, 0));
  }
  const isWhole = blocks.every((block, number) => block.size === ranges[number]!.length);
  return isWhole ? { blocks, isSignIn: false } : undefined;
}
