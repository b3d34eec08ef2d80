import { type BigIntStats, chmodSync, linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import pMap from 'p-map';
import { systemCode } from '../common/errors.ts';
import { flushDirectory } from '../common/replace-file.ts';
import { inTurns } from '../common/turns.ts';
import { DiskChanged, hintOf, identityOf, isUnchanged } from './stamps.ts';
import type { Beside } from './write-file.ts';

/** A file that was written beside its place, and what it is to find there. */
export interface Placement extends Beside {
  /** Absolute. */
  readonly place: string;
  /** The hint of the file that is replaced; `undefined` when nothing may be there. */
  readonly expected: string | undefined;
  readonly mode: number;
}

/** What a file is known by from then on; the hint is empty when somebody wrote to it just after it was in place. */
export interface Placed {
  readonly identity: string;
  readonly hint: string;
}

/** Directories that are flushed at the same time. */
const CONCURRENT = 4;

/**
 * Gives files that were written beside their places these places, each in one step, and then flushes every directory
 * once. A reader sees the old file or the new one, also after a power cut. Answers for each, in order, what it is known
 * by; or `DiskChanged`, with nothing left beside, where the place does not hold what was expected or the file is not the
 * one that was written.
 */
export async function putInPlace(placements: readonly Placement[]): Promise<PromiseSettledResult<Placed>[]> {
  const taken = await inTurns(placements, take);
  const directories = new Set<string>();
  for (const [index, { place }] of placements.entries()) {
    if (taken[index]!.status === 'fulfilled') directories.add(dirname(place));
  }
  const flushed = await pMap(
    directories,
    async (directory) => {
      const [result] = await Promise.allSettled([flushDirectory(directory)]);
      return [directory, result] as const;
    },
    { concurrency: CONCURRENT },
  );
  const byDirectory = new Map(flushed);
  return taken.map((placed, index) => {
    const flush = byDirectory.get(dirname(placements[index]!.place));
    return placed.status === 'fulfilled' && flush?.status === 'rejected' ? flush : placed;
  });
}

function take({ temporary, stats, place, expected, mode }: Placement): Placed {
  try {
    const written = lstatSync(temporary, { bigint: true });
    if (!sameFile(stats, written)) throw new DiskChanged(`${temporary} changed since it was written`);
    if ((Number(written.mode) & 0o777) !== mode) chmodSync(temporary, mode);
    takePlace(temporary, place, expected);
    const placed = lstatSync(place, { bigint: true });
    return { identity: identityOf(placed), hint: sameFile(written, placed) ? hintOf(placed) : '' };
  } catch (error) {
    discardNow(temporary);
    throw error;
  }
}

/** The rename itself changes the change time, so that the other stamps have to tell. */
function sameFile(one: BigIntStats, other: BigIntStats): boolean {
  return one.ino === other.ino && one.size === other.size && one.mtimeNs === other.mtimeNs;
}

/** Answers of file systems that have no hard links, or no more for this file. */
const noLink: readonly (string | undefined)[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'];

function takePlace(temporary: string, place: string, expected: string | undefined): void {
  if (!isUnchanged(place, expected)) throw new DiskChanged(`${place} changed since it was last looked at`);
  if (expected === undefined && isLinked(temporary, place)) discardNow(temporary);
  else renameSync(temporary, place);
}

/** Unlike a rename, a link never replaces a file that appeared just now. False where the file system has none. */
function isLinked(temporary: string, place: string): boolean {
  const appeared = (): DiskChanged => new DiskChanged(`${place} appeared meanwhile`);
  try {
    linkSync(temporary, place);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw appeared();
    if (!noLink.includes(systemCode(error))) throw error;
    if (!isUnchanged(place, undefined)) throw appeared();
    return false;
  }
}

/** As `discard`, on this thread. */
export function discardNow(temporary: string): void {
  try {
    unlinkSync(temporary);
  } catch {
    // The next start removes it.
  }
}
