import type { BigIntStats } from 'node:fs';
import { chmod, type FileHandle, link, lstat, open, rename, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256, toHex } from '../../codec/index.ts';
import type { Block } from '../../protocol/entry.ts';
import { FileRefused, systemCode } from '../common/errors.ts';
import { discard, flushDirectory } from '../common/replace-file.ts';
import { withOffsets } from '../plan/block-offsets.ts';
import { temporaryName } from './paths.ts';
import { readAt } from './read-at.ts';
import { DiskChanged, demandUnchanged, hintOf, identityOf } from './stamps.ts';

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
 */
export async function writeBeside(target: Target, fill: (file: FileHandle) => Promise<void>): Promise<Beside> {
  const temporary = join(dirname(target.place), temporaryName(target.folderId));
  try {
    const file = await open(temporary, 'wx+', 0o600);
    try {
      await file.truncate(target.blocks.reduce((sum, { size }) => sum + size, 0));
      await fill(file);
      await file.chmod(target.mode);
      await file.sync();
      await demandBlocks(file, target.blocks);
    } finally {
      await file.close();
    }
    await setModified(temporary, target.mtime_ms);
    return { temporary, stats: await lstat(temporary, { bigint: true }) };
  } catch (error) {
    await discard(temporary);
    throw error;
  }
}

/**
 * Gives a file that was written beside its place that place, in one step, and flushes its directory. A reader sees the
 * old file or the new one, also after a power cut. Throws `DiskChanged`, and leaves nothing beside, when the place does
 * not hold what was expected or the file is not the one that was written.
 *
 * @param expected the hint of the file that is replaced; `undefined` when nothing may be there
 * @returns the file's identity and hint; the hint is empty when somebody wrote to it just after it was in place
 */
export async function putInPlace(
  { temporary, stats }: Beside,
  { place, expected, mode }: { readonly place: string; readonly expected: string | undefined; readonly mode: number },
): Promise<{ identity: string; hint: string }> {
  try {
    const written = await lstat(temporary, { bigint: true });
    if (!sameFile(stats, written)) throw new DiskChanged(`${temporary} changed since it was written`);
    if ((Number(written.mode) & 0o777) !== mode) await chmod(temporary, mode);
    await takePlace(temporary, place, expected);
    const placed = await lstat(place, { bigint: true });
    await flushDirectory(dirname(place));
    return { identity: identityOf(placed), hint: sameFile(written, placed) ? hintOf(placed) : '' };
  } catch (error) {
    await discard(temporary);
    throw error;
  }
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
async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    if (bytesWritten === 0) throw notKept();
    done += bytesWritten;
  }
}

const notKept = (): FileRefused => new FileRefused('local', 'the disk did not keep what was written to it');

async function demandBlocks(file: FileHandle, blocks: readonly Block[]): Promise<void> {
  for (const { hash, offset, size } of withOffsets(blocks)) {
    const bytes = await readAt(file, offset, size);
    if (bytes.length !== size || toHex(await sha256(bytes)) !== hash) throw notKept();
  }
  const size = blocks.reduce((sum, block) => sum + block.size, 0);
  if ((await file.stat()).size !== size) throw notKept();
}

/** The rename itself changes the change time, so that the other stamps have to tell. */
function sameFile(one: BigIntStats, other: BigIntStats): boolean {
  return one.ino === other.ino && one.size === other.size && one.mtimeNs === other.mtimeNs;
}

/** Answers of file systems that have no hard links, or no more for this file. */
const noLink: readonly (string | undefined)[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'];

async function takePlace(temporary: string, place: string, expected: string | undefined): Promise<void> {
  await demandUnchanged(place, expected);
  if (expected !== undefined) return rename(temporary, place);
  try {
    // Unlike a rename, a link never replaces a file that appeared just now.
    await link(temporary, place);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new DiskChanged(`${place} appeared meanwhile`);
    if (!noLink.includes(systemCode(error))) throw error;
    await demandUnchanged(place, undefined);
    return rename(temporary, place);
  }
  await discard(temporary);
}

/** Answers of file systems that cannot hold a time, or hold none that a program chooses. */
const noTime: readonly (string | undefined)[] = ['EINVAL', 'ERANGE', 'EOVERFLOW', 'EPERM', 'ENOTSUP', 'ENOSYS'];

/** Sets the modification time so that reading it back in whole milliseconds gives the same number. */
async function setModified(place: string, mtimeMs: number): Promise<void> {
  // As text, since Node takes a negative number for the present time.
  const seconds = String((mtimeMs + 0.01) / 1000);
  await utimes(place, seconds, seconds).catch((error) => {
    // A time that this file system cannot hold is no reason to refuse the content.
    if (!noTime.includes(systemCode(error))) throw error;
  });
}
