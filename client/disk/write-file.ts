import { type BigIntStats, futimesSync } from 'node:fs';
import { chmod, constants, copyFile, type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FilePool } from '../../codec/node/file-pool.ts';
import type { Block } from '../../protocol/entry.ts';
import { FileRefused, systemCode } from '../common/errors.ts';
import { discard } from '../common/replace-file.ts';
import { bytesOf } from '../plan/block-offsets.ts';
import type { OnSketch } from './hash-file.ts';
import { temporaryName } from './paths.ts';
import { ReadBack } from './read-back.ts';

export interface Target {
  /** Absolute. */
  readonly place: string;
  /** Id of the synced folder. */
  readonly folderId: string;
  readonly mode: number;
  readonly mtime_ms: number;
  /** What the file has to hold, block after block. */
  readonly blocks: readonly Block[];
}

/** A file that was written whole, beside the place that it is to take. */
export interface Beside {
  readonly temporary: string;
  readonly stats: BigIntStats;
}

/**
 * Writes what is not there yet into a file of the right size.
 * @param written to be told of each block that it wrote, by its number
 */
type Fill = (file: FileHandle, written: (number: number) => void) => Promise<void>;

/** How a file is written of whose content nothing is verified before it is read back. */
export interface Unverified {
  /** Writes blocks anew, by their numbers, which are verified before that. */
  readonly mend: (file: FileHandle, numbers: readonly number[]) => Promise<void>;
  readonly onSketch: OnSketch;
}

interface WriteOptions {
  readonly pool: FilePool;
  /** A file to begin with a copy of, which costs no disk space where the file system shares blocks. */
  readonly base?: string | undefined;
  readonly unverified?: Unverified | undefined;
}

/**
 * Writes a file beside its place, flushes it and reads it back. Throws `FileRefused` when the disk does not hold the
 * blocks of the target after all; then, and after any other failure, nothing is left.
 */
export async function writeBeside(
  target: Target,
  fill: Fill,
  { pool, base, unverified }: WriteOptions,
): Promise<Beside> {
  const temporary = join(dirname(target.place), temporaryName(target.folderId));
  try {
    const file = base === undefined ? await open(temporary, 'wx+', 0o600) : await openCopy(base, temporary);
    const readBack = new ReadBack(file, target.blocks, { pool, onSketch: unverified?.onSketch });
    try {
      await file.truncate(bytesOf(target.blocks));
      await fill(file, readBack.written);
      await flush(file, target);
      if (!(await isWritten(file, target, readBack, unverified))) throw notKept();
      return { temporary, stats: await file.stat({ bigint: true }) };
    } finally {
      await readBack.atRest();
      await file.close();
    }
  } catch (error) {
    await discard(temporary);
    throw error;
  }
}

/** Whether a file that was flushed has all of its blocks; of one that may be mended, once what was missing was written anew. */
async function isWritten(
  file: FileHandle,
  target: Target,
  readBack: ReadBack,
  unverified: Unverified | undefined,
): Promise<boolean> {
  const missing = await readBack.missing();
  if (missing.length === 0 || !unverified) return missing.length === 0;
  await unverified.mend(file, missing);
  await flush(file, target);
  readBack.again(missing);
  return (await readBack.missing()).length === 0;
}

async function flush(file: FileHandle, { mode, mtime_ms }: Target): Promise<void> {
  await file.chmod(mode);
  setModified(file.fd, mtime_ms);
  await file.sync();
}

/** A copy as the system makes it: by reference where it can, else without a detour through this process. */
async function openCopy(base: string, place: string): Promise<FileHandle> {
  await copyFile(base, place, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await chmod(place, 0o600);
  return open(place, 'r+');
}

/** Zeros of at least this length stay a hole: no disk has a larger unit. */
const HOLE_BYTES = 64 * 1024;
const zeros = Buffer.alloc(HOLE_BYTES);

/**
 * Writes content at `offset` into a file that is empty there. Where it is nothing but zeros the file keeps a hole, as
 * images of disks have, which is read as what it is.
 */
export async function writeSparsely(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let from = 0;
  for (let at = 0; at < bytes.length; at += HOLE_BYTES) {
    const piece = bytes.subarray(at, at + HOLE_BYTES);
    if (piece.length < HOLE_BYTES || zeros.compare(piece) !== 0) continue;
    await writeAll(file, bytes.subarray(from, at), offset + from);
    from = at + HOLE_BYTES;
  }
  await writeAll(file, bytes.subarray(from), offset + from);
}

/**
 * Bytes of one write. From 2 MiB on Linux looks for pages of that size, and moves others out of their way: on a machine
 * that has been at work for a while that is most of the time of writing.
 */
const WRITE_BYTES = 1024 * 1024;

/** Writes all of `bytes` at `offset`, or throws: on a disk that fills up a write stops short without an error. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(WRITE_BYTES, bytes.length - done), offset + done);
    if (bytesWritten === 0) throw notKept();
    done += bytesWritten;
  }
}

export const notKept = (): FileRefused => new FileRefused('local', 'the disk did not keep what was written to it');

/** Answers of file systems that cannot hold a time, or hold none that a program chooses. */
const noTime: readonly (string | undefined)[] = ['EINVAL', 'ERANGE', 'EOVERFLOW', 'EPERM', 'ENOTSUP', 'ENOSYS'];

/** Sets the modification time of an open file. */
export function setModified(file: number, mtimeMs: number): void {
  setTime(mtimeMs, (seconds) => futimesSync(file, seconds, seconds));
}

/** Sets a time so that reading it back in whole milliseconds gives the same number, where the disk can hold it. */
export function setTime(mtimeMs: number, set: (seconds: string) => void): void {
  try {
    // As text, since Node takes a negative number for the present time.
    set(String((mtimeMs + 0.01) / 1000));
  } catch (error) {
    // A time that this file system cannot hold is no reason to refuse the content.
    if (!noTime.includes(systemCode(error))) throw error;
  }
}
