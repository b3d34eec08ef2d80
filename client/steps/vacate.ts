import { lstatSync, unlinkSync } from 'node:fs';
import { Turns } from '../common/turns.ts';
import { demandParents, diskPath } from '../disk/paths.ts';
import { removeDirectory } from '../disk/remove.ts';
import { isUnchanged } from '../disk/stamps.ts';
import { isLeaf, pathsWithin, same } from '../plan/tree.ts';
import type { Sync } from './context.ts';

/** Written down together. */
const BATCH = 200;

/** What became of a folder that is left out. */
export interface Vacated {
  /** Files that were removed from this disk. */
  readonly files: number;
  /** Paths that stay, because they are not at the service as they are here; those that it does not know are not counted. */
  readonly kept: readonly string[];
}

/**
 * Removes from this disk what is in a folder that is left out, and the folder: what the service has as it is here, and
 * nothing else. That the folder is left out has to be on the disk before. What was agreed on lapses first, so that no
 * absence counts as a deletion, wherever this is broken off; the next call goes on from there.
 */
export async function vacate({ root, state }: Pick<Sync, 'root' | 'state'>, folder: string): Promise<Vacated> {
  const { local, synced } = state.trees;
  const paths = pathsWithin(synced, folder);
  state.transaction(() => {
    for (const path of paths) {
      const base = synced.get(path)!;
      if (!base.lapsed) state.set('synced', path, { ...base, lapsed: true });
    }
  });
  const kept: string[] = [];
  let [files, gone]: [number, string[]] = [0, []];
  const writeDown = (): void => {
    state.transaction(() => {
      for (const path of gone) state.remove('local', path);
    });
    gone = [];
  };
  const turns = new Turns();
  // Backwards, what is in a directory comes before it.
  for (const path of paths
    .filter((at) => local.has(at))
    .sort()
    .reverse()) {
    const entry = local.get(path)!;
    if (isLeaf(entry)) {
      const isRemoved = same(entry, synced.get(path)) && removeFile(root, path, entry.hint);
      (isRemoved ? gone : kept).push(path);
      if (isRemoved) files++;
    } else if (isPlainDirectory(root, path) && removeDirectory(diskPath(root, path))) gone.push(path);
    if (gone.length >= BATCH) writeDown();
    await turns.next();
  }
  writeDown();
  return { files, kept: kept.sort() };
}

/** False for one that is not as it was when it was last looked at. */
function removeFile(root: string, path: string, hint: string): boolean {
  if (!isReachable(root, path)) return false;
  const place = diskPath(root, path);
  if (isUnchanged(place, undefined)) return true;
  if (!isUnchanged(place, hint)) return false;
  unlinkSync(place);
  return true;
}

function isPlainDirectory(root: string, path: string): boolean {
  if (!isReachable(root, path)) return false;
  const stats = lstatSync(diskPath(root, path), { throwIfNoEntry: false });
  return stats === undefined || stats.isDirectory();
}

function isReachable(root: string, path: string): boolean {
  try {
    return demandParents(root, path);
  } catch {
    return false;
  }
}
