import { rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ancestors } from '../../protocol/path.ts';
import { systemCode } from '../common/errors.ts';
import { flushDirectories } from '../common/replace-file.ts';
import { inTurns } from '../common/turns.ts';
import type { LocalEntry } from '../plan/tree.ts';
import { demandParents, diskPath } from './paths.ts';
import { DiskChanged, demandUnchanged } from './stamps.ts';

/** What is to go from the disk. */
export interface Removal {
  readonly path: string;
  /** What was found there last. */
  readonly entry: Pick<LocalEntry, 'kind' | 'hint'>;
}

/**
 * Removes files that are as they were last found, and directories that are empty, and then flushes every directory that
 * lost a name once. What is in a directory has to come before it. Answers for each, in order, whether it is gone, also
 * after a power cut; a directory that holds something stays.
 */
export async function removeTogether(
  root: string,
  removals: readonly Removal[],
): Promise<PromiseSettledResult<boolean>[]> {
  const removed = await inTurns(removals, (removal) => remove(root, removal));
  const isGone = (index: number): boolean => {
    const result = removed[index]!;
    return result.status === 'fulfilled' && result.value;
  };
  const gone = new Set(removals.filter((_, index) => isGone(index)).map(({ path }) => path));
  // A directory that went as well went with all the names in it.
  const around = (path: string): string => join(root, ancestors(path).find((above) => !gone.has(above)) ?? '');
  const flushed = await flushDirectories([...gone].map(around));
  return removed.map((result, index) => {
    const flush = isGone(index) ? flushed.get(around(removals[index]!.path)) : undefined;
    return flush?.status === 'rejected' ? flush : result;
  });
}

function remove(root: string, { path, entry }: Removal): boolean {
  const place = diskPath(root, path);
  if (!demandParents(root, path)) throw new DiskChanged(`${place} is gone`);
  if (entry.kind === 'directory') return removeDirectory(place);
  demandUnchanged(place, entry.hint);
  unlinkSync(place);
  return true;
}

/** False when the directory holds something. What is no longer there counts as removed. */
export function removeDirectory(place: string): boolean {
  try {
    rmdirSync(place);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return true;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}
