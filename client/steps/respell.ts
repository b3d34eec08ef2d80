import { diskPath } from '../disk/paths.ts';
import { renameEntry } from '../disk/rename.ts';
import { findTwin, type Twin } from '../disk/spelling.ts';
import { DiskChanged, demandUnchanged } from '../disk/stamps.ts';
import { isLeaf, type LocalEntry, same, within } from '../plan/tree.ts';
import type { Sync } from './context.ts';

export type RespellContext = Pick<Sync, 'root' | 'state' | 'notices' | 'failures' | 'report'>;

/** Gives an entry, with all that is in it, the spelling that the service has. */
export async function respell(sync: RespellContext, twin: Twin): Promise<void> {
  const { state, root } = sync;
  const { path, spelled } = twin;
  const entry = state.trees.local.get(spelled)!;
  const [source, target] = [diskPath(root, spelled), diskPath(root, path)];
  if (isLeaf(entry)) demandUnchanged(source, entry.hint);
  const renamed = await renameEntry(source, target, entry);
  if (await findTwin(root, path)) throw new DiskChanged(`${target} kept its old spelling`);
  if (isLeaf(entry) && renamed.hint === '') sync.notices.look(path);
  moveEntries(sync, twin, renamed);
  const version = state.trees.remote.get(path)?.version ?? state.trees.synced.get(path)?.version ?? 0;
  sync.report({ event: 'renamed', side: 'local', from: spelled, path, version, at: Date.now() });
  sync.failures.succeed(path);
  sync.failures.succeed(spelled);
}

/** What was agreed on goes along: an edit that was made here is one of the new path. */
function moveEntries(
  { state, notices }: Pick<Sync, 'state' | 'notices'>,
  { path, spelled }: Twin,
  entry: LocalEntry,
): void {
  const { local, remote, synced } = state.trees;
  const respelled = (from: string): string => path + from.slice(spelled.length);
  state.transaction(() => {
    for (const [from, old] of within(local, spelled)) {
      const to = respelled(from);
      state.remove('local', from);
      state.set('local', to, from === spelled ? entry : old);
      notices.replan(from, to);
    }
    for (const [from, old] of within(synced, spelled)) {
      const to = respelled(from);
      const there = remote.get(to);
      state.remove('synced', from);
      if (!synced.has(to))
        state.set('synced', to, there && same(old, there) ? { ...old, version: there.version } : old);
      notices.replan(from, to);
    }
  });
}
