import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from './errors.ts';
import { hintOf, identityOf } from './hash-file.ts';
import { temporaryPrefix } from './paths.ts';

/** The disk is not as it was when the change was planned: look again. */
export class DiskChanged extends Error {
  override readonly name = 'DiskChanged';
}

export interface Target {
  /** Absolute. */
  readonly place: string;
  /** The hint of the file that will be replaced; `undefined` when nothing may be there. */
  readonly expected: string | undefined;
  readonly mode: number;
  readonly mtime_ms: number;
}

/**
 * Puts a file in place in one step: written beside it, flushed, checked, renamed, its directory flushed. A reader sees
 * the old file or the new one, also after a power cut. Throws `DiskChanged` when the target is not what was expected.
 * Answers the file's identity and hint; the hint is empty when somebody wrote to it just after it was in place.
 */
export async function writeAtomically(
  target: Target,
  fill: (file: FileHandle) => Promise<void>,
): Promise<{ identity: string; hint: string }> {
  const temporary = join(dirname(target.place), `${temporaryPrefix}${randomUUID()}`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await fill(file);
      await file.chmod(target.mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await setModified(temporary, target.mtime_ms);
    const written = await lstat(temporary, { bigint: true });
    await putInPlace(temporary, target);
    const placed = await lstat(target.place, { bigint: true });
    await flushDirectory(dirname(target.place));
    return { identity: identityOf(placed), hint: sameFile(written, placed) ? hintOf(placed) : '' };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The rename itself changes the change time, so that the other stamps have to tell. */
function sameFile(one: BigIntStats, other: BigIntStats): boolean {
  return one.ino === other.ino && one.size === other.size && one.mtimeNs === other.mtimeNs;
}

async function putInPlace(temporary: string, { place, expected }: Target): Promise<void> {
  await demandUnchanged(place, expected);
  if (expected !== undefined) return rename(temporary, place);
  try {
    // Unlike a rename, a link never replaces a file that appeared just now.
    await link(temporary, place);
    await rm(temporary);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new DiskChanged(`${place} appeared meanwhile`);
    await rename(temporary, place);
  }
}

/** Throws `DiskChanged` unless the file is the one with this hint, or is missing where `undefined` is expected. */
export async function demandUnchanged(place: string, expected: string | undefined): Promise<void> {
  const stats = await lstat(place, { bigint: true }).catch((error) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  const actual = stats && (stats.isFile() ? hintOf(stats) : 'not a file');
  if (actual !== expected) throw new DiskChanged(`${place} changed since it was last looked at`);
}

/** Sets the modification time so that reading it back in whole milliseconds gives the same number. */
async function setModified(place: string, mtimeMs: number): Promise<void> {
  const seconds = (mtimeMs + 0.01) / 1000;
  await utimes(place, seconds, seconds).catch((error) => {
    // A time that this file system cannot hold is no reason to refuse the content.
    if (systemCode(error) === undefined) throw error;
  });
}

export async function flushDirectory(place: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(place, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
