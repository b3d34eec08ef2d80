import { type BigIntStats, chmodSync, linkSync, lstatSync, renameSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCode } from '../common/errors.ts';
import { discardNow, flushDirectories } from '../common/replace-file.ts';
import { inTurns } from '../common/turns.ts';
import { noLinks, readLink } from './links.ts';
import { DiskChanged, demandUnchanged, hintOf, identityOf, isUnchanged } from './stamps.ts';
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

/**
 * Gives files that were written beside their places these places, each in one step, and then flushes every directory
 * once. A reader sees the old file or the new one, also after a power cut. Answers for each, in order, what it is known
 * by; or `DiskChanged`, with nothing left beside, where the place does not hold what was expected or the file is not the
 * one that was written.
 */
export async function putInPlace(placements: readonly Placement[]): Promise<PromiseSettledResult<Placed>[]> {
  const taken = await inTurns(placements, take);
  const isTaken = (_: Placement, index: number): boolean => taken[index]!.status === 'fulfilled';
  const flushed = await flushDirectories(placements.filter(isTaken).map(({ place }) => dirname(place)));
  return taken.map((placed, index) => {
    const flush = flushed.get(dirname(placements[index]!.place));
    return placed.status === 'fulfilled' && flush?.status === 'rejected' ? flush : placed;
  });
}

function take({ temporary, stats, place, expected, mode }: Placement): Placed {
  try {
    const written = lstatSync(temporary, { bigint: true });
    if (!sameFile(stats, written)) throw new DiskChanged(`${temporary} changed since it was written`);
    if (!written.isSymbolicLink() && (Number(written.mode) & 0o777) !== mode) chmodSync(temporary, mode);
    const target = written.isSymbolicLink() ? readLink(temporary) : undefined;
    takePlace({ temporary, target }, place, expected);
    const placed = lstatSync(place, { bigint: true });
    const isSame = target ? placed.isSymbolicLink() && readLink(place).equals(target) : sameFile(written, placed);
    return { identity: identityOf(placed), hint: isSame ? hintOf(placed) : '' };
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
const noLink = [...noLinks, 'EMLINK'];

/** What was written beside its place; `target` is what a symbolic link says. */
interface Made {
  readonly temporary: string;
  readonly target: Buffer | undefined;
}

function takePlace({ temporary, target }: Made, place: string, expected: string | undefined): void {
  demandUnchanged(place, expected);
  if (expected === undefined && isLinked({ temporary, target }, place)) discardNow(temporary);
  else renameSync(temporary, place);
}

/** Unlike a rename, a link never replaces a file that appeared just now. False where the file system has none. */
function isLinked({ temporary, target }: Made, place: string): boolean {
  const appeared = (): DiskChanged => new DiskChanged(`${place} appeared meanwhile`);
  try {
    // Some systems would link what a symbolic link points to: it is made anew, which replaces nothing either.
    if (target) symlinkSync(target, place);
    else linkSync(temporary, place);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw appeared();
    if (!noLink.includes(systemCode(error))) throw error;
    if (!isUnchanged(place, undefined)) throw appeared();
    return false;
  }
}
