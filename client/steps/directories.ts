import { lstat } from 'node:fs/promises';
import { demandParents, diskPath, makeParents } from '../disk/paths.ts';
import { removeDirectory } from '../disk/remove.ts';
import { attributesOf, DiskChanged } from '../disk/stamps.ts';
import { fileAbove, type Trees, within } from '../plan/tree.ts';
import type { Sync } from './context.ts';

/**
 * Makes the directories above `path`. They are here only for what is in them until they are known otherwise. One that the
 * user has just renamed or deleted is looked at again, and not made, and neither is one where a file has yet to go.
 */
export async function makeWay(
  { root, state, notices }: Pick<Sync, 'root' | 'state' | 'notices'>,
  path: string,
): Promise<void> {
  const file = fileAbove(state.trees.local, path);
  if (file !== undefined) {
    notices.look(file);
    throw new DiskChanged(`${file} is still a file`);
  }
  const wasThere = (directory: string): boolean => {
    const isKnown = state.trees.local.get(directory)?.kind === 'directory';
    if (isKnown) notices.look(directory);
    return isKnown;
  };
  for (const directory of await makeParents(root, path, wasThere)) {
    const stats = await lstat(diskPath(root, directory), { bigint: true });
    state.set('local', directory, { ...attributesOf(stats), blocks: [], leftover: true });
  }
}

/** Whether something is inside that is synced, not only directories that stay for what is not. */
export function holdsKnown({ local, synced }: Trees, directory: string): boolean {
  return within(local, directory).some(([path, { leftover }]) => path !== directory && (!leftover || synced.has(path)));
}

/** Before its deletion at the service: removes a directory that is still here, unless something is in it. */
export function removeEmptied({ root, state }: Pick<Sync, 'root' | 'state'>, path: string): void {
  if (state.trees.local.get(path)?.kind !== 'directory' || !demandParents(root, path)) return;
  if (removeDirectory(diskPath(root, path))) state.remove('local', path);
}
