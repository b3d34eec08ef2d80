import { ancestors } from '../../protocol/path.ts';
import { isLeaf, type LocalEntry, same, syncedEntry } from '../plan/tree.ts';
import { inParts } from '../state/in-parts.ts';
import { pathsInDoubt } from './commit.ts';
import type { Sync } from './context.ts';

type Parts = Pick<Sync, 'state' | 'failures'>;

/**
 * Both sides have the same at a path: they agree on it. A directory that was made on the way to a file is here for itself
 * then.
 */
export function adopt({ state, failures }: Parts, path: string): void {
  const { local: here, remote: there, synced } = state.trees;
  const [local, remote] = [here.get(path), there.get(path)];
  if (local && remote) {
    if (local.leftover && !synced.has(path)) state.set('local', path, withoutMark(local));
    state.set('synced', path, syncedEntry(remote, local));
  }
  failures.succeed(path);
}

function withoutMark({ leftover: _, ...entry }: LocalEntry): LocalEntry {
  return entry;
}

/**
 * Agrees on files that were never agreed on and are the same on both sides, as a plan would: of a device that lost its
 * state that is nearly all, and none of it needs an operation then. To be called once all was read: in between, the
 * service has what it had once.
 * @param isLeft paths that are left to the plan
 */
export function adoptEqual(sync: Parts & Pick<Sync, 'notices'>, isLeft: (path: string) => boolean): void {
  const { state, notices } = sync;
  const { local, remote, synced } = state.trees;
  const inDoubt = pathsInDoubt(state);
  const isEqual = (path: string): boolean => {
    if (synced.has(path) || inDoubt.has(path)) return false;
    const here = local.get(path);
    return isLeaf(here) && same(here, remote.get(path)) && !isLeft(path);
  };
  inParts(state, notices.dirty.values().filter(isEqual), (path) => {
    adopt(sync, path);
    // The plan of what is in a leftover brings that back.
    if (!ancestors(path).some((above) => local.get(above)?.leftover)) notices.handOver(path);
  });
}
