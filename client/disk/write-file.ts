import { type BigIntStats, futimesSync } from 'node:fs';
import { chmod, constants, copyFile, type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256, toHex } from '../../codec/index.ts';
import type { Block } from '../../protocol/entry.ts';
import { FileRefused, systemCode } from '../common/errors.ts';
import { discard } from '../common/replace-file.ts';
import { withOffsets } from '../plan/block-offsets.ts';
import { temporaryName } from './paths.ts';
import { readAt } from './read-at.ts';

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
 * Writes a file beside its place, flushes it and reads it back. Throws `FileRefused` when the disk does not hold the
 * blocks of the target after all; then, and after any other failure, nothing is left.
 * @param fill writes what is not there yet into a file of the right size
 * @param base a file to begin with a copy of, which costs no disk space where the file system shares blocks
 */
export async function writeBeside(
  target: Target,
  fill: (file: FileHandle) => Promise<void>,
  base?: string,
): Promise<Beside> {
  const temporary = join(dirname(target.place), temporaryName(target.folderId));
  try {
    const file = base === undefined ? await open(temporary, 'wx+', 0o600) : await openCopy(base, temporary);
    try {
      await file.truncate(target.blocks.reduce((sum, { size }) => sum + size, 0));
      await fill(file);
      await file.chmod(target.mode);
      setModified(file.fd, target.mtime_ms);
      await file.sync();
      await demandBlocks(file, target.blocks);
      return { temporary, stats: await file.stat({ bigint: true }) };
    } finally {
      await file.close();
    }
  } catch (error) {
    await discard(temporary);
    throw error;
  }
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
 * images of disks have; `demandBlocks` reads it as what it is.
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

/** Writes all of `bytes` at `offset`, or throws: on a disk that fills up a write stops short without an error. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    if (bytesWritten === 0) throw notKept();
    done += bytesWritten;
  }
}

export const notKept = (): FileRefused => new FileRefused('local', 'the disk did not keep what was written to it');

async function demandBlocks(file: FileHandle, blocks: readonly Block[]): Promise<void> {
  for (const { hash, offset, size } of withOffsets(blocks)) {
    const bytes = await readAt(file, offset, size);
    if (bytes.length !== size || toHex(await sha256(bytes)) !== hash) throw notKept();
  }
  const size = blocks.reduce((sum, block) => sum + block.size, 0);
  if ((await file.stat()).size !== size) throw notKept();
}

/** Answers of file systems that cannot hold a time, or hold none that a program chooses. */
const noTime: readonly (string | undefined)[] = ['EINVAL', 'ERANGE', 'EOVERFLOW', 'EPERM', 'ENOTSUP', 'ENOSYS'];

/** Sets the modification time so that reading it back in whole milliseconds gives the same number. */
export function setModified(file: number, mtimeMs: number): void {
  // As text, since Node takes a negative number for the present time.
  const seconds = String((mtimeMs + 0.01) / 1000);
  try {
    futimesSync(file, seconds, seconds);
  } catch (error) {
    // A time that this file system cannot hold is no reason to refuse the content.
    if (!noTime.includes(systemCode(error))) throw error;
  }
}
