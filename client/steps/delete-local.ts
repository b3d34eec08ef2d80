import { type Removal, removeTogether } from '../disk/remove.ts';
import { isLeaf, type LocalEntry } from '../plan/tree.ts';
import type { Sync } from './context.ts';
import { holdsKnown } from './directories.ts';

type Parts = Pick<Sync, 'root' | 'state' | 'tombstones' | 'failures' | 'report'>;

interface Deletion extends Removal {
  readonly entry: LocalEntry;
  /** A directory that is still at the service: it counts as deleted here. */
  readonly isThere: boolean;
  /** That of the deletion. */
  readonly version: number | undefined;
}

/**
 * Deletes on the disk what another device deleted, what is in a directory before it. A directory goes only when it is
 * empty. What is gone is agreed on in one transaction.
 */
export async function deleteLocal(sync: Parts, paths: readonly string[]): Promise<void> {
  const { tombstones, state } = sync;
  const { local, remote, synced } = state.trees;
  const deletions = paths.flatMap((path): Deletion[] => {
    const [entry, base] = [local.get(path), synced.get(path)];
    if (!entry || (!base && isLeaf(entry))) return [];
    const isThere = entry.kind === 'directory' && remote.get(path)?.kind === 'directory';
    return [{ path, entry, isThere, version: tombstones.get(path) ?? (base && base.version + 1) }];
  });
  const results = await removeTogether(sync.root, deletions);
  const [gone, kept]: [Deletion[], Deletion[]] = [[], []];
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') (result.value ? gone : kept).push(deletions[index]!);
  }
  agreeOnDeletions(sync, gone);
  for (const deletion of kept) keepDirectory(sync, deletion);
  for (const [index, result] of results.entries()) {
    if (result.status === 'rejected') sync.failures.failEach([deletions[index]!.path], result.reason);
  }
}

function agreeOnDeletions(sync: Parts, gone: readonly Deletion[]): void {
  const { state, tombstones } = sync;
  state.transaction(() => {
    for (const { path, isThere } of gone) {
      state.remove('local', path);
      if (!isThere) state.remove('synced', path);
    }
  });
  for (const { path, isThere, version } of gone) {
    if (isThere) continue;
    tombstones.delete(path);
    if (version !== undefined) sync.report({ event: 'deleted', side: 'local', path, version, at: Date.now() });
    sync.failures.succeed(path);
  }
}

/** What is not synced in a directory keeps it, and nobody but this device knows. */
function keepDirectory({ state, failures }: Parts, { path, entry, isThere }: Deletion): void {
  if (holdsKnown(state.trees, path)) {
    failures.fail(path, 'path_conflict', 'the directory still holds what has to go first');
    return;
  }
  state.transaction(() => {
    state.set('local', path, { ...entry, leftover: !isThere });
    if (!isThere) state.remove('synced', path);
  });
}
