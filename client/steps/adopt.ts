import { batched } from '../common/batched.ts';
import { same, syncedEntry } from '../plan/tree.ts';
import { pathsInDoubt } from './commit.ts';
import type { Sync } from './context.ts';

type Parts = Pick<Sync, 'state' | 'failures'>;

/** Paths that are written in one transaction. */
const TOGETHER = 10_000;

/** Both sides have the same at a path: they agree on it. */
export function adopt({ state, failures }: Parts, path: string): void {
  const [local, remote] = [state.trees.local.get(path), state.trees.remote.get(path)];
  if (local && remote) state.set('synced', path, syncedEntry(remote, local));
  failures.succeed(path);
}

/**
 * Agrees on what was read and is here already, as a plan would: of a device that lost its state that is nearly all, and
 * then nothing of it has to be planned. To be called once all was read: in between, the service has what it had once.
 */
export function adoptWhatIsEqual({ notices, ...parts }: Parts & Pick<Sync, 'notices'>): void {
  const { state } = parts;
  const inDoubt = pathsInDoubt(state);
  const isEqual = (path: string): boolean => {
    const here = state.trees.local.get(path);
    return here !== undefined && same(here, state.trees.remote.get(path)) && !inDoubt.has(path);
  };
  for (const some of batched(notices.dirty.values().filter(isEqual), { most: TOGETHER })) {
    state.transaction(() => {
      for (const path of some) adopt(parts, path);
    });
    // A directory that is here only for what is in it has more to it.
    for (const path of some) if (!state.trees.local.get(path)?.leftover) notices.planNoMore(path);
  }
}
