import { ancestors, isWithinAny, pathInside } from '../../protocol/path.ts';
import { type RemoteEntry, remoteEntry, same } from '../plan/tree.ts';
import type { Api } from '../service/api.ts';
import { ServiceError } from '../service/errors.ts';
import type { Unreadable } from '../service/readable.ts';
import type { State } from '../state/state.ts';
import type { Sync } from './context.ts';
import { recognizeInTree } from './take-over.ts';
import { treeHashes } from './tree-hashes.ts';
import { listUnreadable } from './unreadable.ts';

/**
 * Reads the tree, because the changes since the cursor are not kept; directories whose hash is that of the remote
 * tree here are skipped. Each page is taken over as it comes. The pages may be of different moments; the cursor of the
 * first is kept, and the changes since then put the others right, one by one. One that is cut off begins anew: until its
 * end the cursor and the timeline are those from before, and nothing is planned.
 *
 * A service that is behind this device's cursor, or in another timeline, was set back to a backup, and what it lacks was
 * not deleted: where it differs, the folder is merged with it as on the first day.
 */
export async function rereadTree(
  sync: Pick<Sync, 'api' | 'device' | 'state' | 'notices' | 'tombstones' | 'report'>,
): Promise<void> {
  const { state, notices } = sync;
  const known = treeHashes(state.trees.remote);
  /** Paths of the remote tree here that no page had. */
  const missing = new Set(state.trees.remote.keys());
  /** Directories of which the remote tree here has everything. */
  const unchanged = new Set<string>();
  const isUnchanged = (path: string): boolean => ancestors(path).some((above) => unchanged.has(above));
  const unreadable: Unreadable[] = [];
  const directories = [''];
  let first: { readonly cursor: number; readonly timeline: string | undefined; readonly setBack: boolean } | undefined;
  let last = 0;
  for (let path = directories.pop(); path !== undefined; path = directories.pop()) {
    for await (const body of pagesOf(sync, path)) {
      const { cursor, timeline } = body;
      last = Math.max(last, cursor);
      first ??= { cursor, timeline, setBack: cursor < state.cursor || anotherTimeline(state, timeline) };
      const { setBack } = first;
      for (const { path: name, reason } of body.unreadable ?? [])
        unreadable.push({ path: pathInside(path, name), reason });
      state.transaction(() => {
        for (const { name, entry, tree_hash } of body.entries) {
          const child = pathInside(path, name);
          // A directory without an entry is there only for what is in it.
          if (entry) {
            missing.delete(child);
            takeEntry(sync, child, remoteEntry(entry), setBack);
          }
          if (tree_hash === undefined) continue;
          // A version of another timeline may have the number and the blocks of one here, and other permissions.
          if (!setBack && tree_hash === known.get(child)) unchanged.add(child);
          else directories.push(child);
        }
      });
    }
  }
  const { cursor, timeline, setBack } = first!;
  const kept = new Set(unreadable.map(({ path }) => path));
  state.transaction(() => {
    for (const path of missing) {
      if (isWithinAny(path, kept) || isUnchanged(path)) continue;
      notices.replan(path);
      state.remove('remote', path);
      if (setBack) state.remove('synced', path);
    }
    listUnreadable(sync, unreadable, new Set([...state.unreadable.keys()].filter((path) => !isUnchanged(path))));
    recognizeInTree(state, state.trees, state.intents);
    state.setFact('cursor', String(cursor));
    state.setFact('tree_cursor', String(last));
    state.timeline = timeline;
  });
  if (setBack) sync.tombstones.clear();
  notices.readChanges();
}

function takeEntry(
  { state, notices }: Pick<Sync, 'state' | 'notices'>,
  path: string,
  entry: RemoteEntry,
  setBack: boolean,
): void {
  notices.replan(path);
  state.set('remote', path, entry);
  if (setBack && !same(entry, state.trees.synced.get(path))) state.remove('synced', path);
}

type TreePage = Awaited<ReturnType<Api['tree']>>['body'];

/** The pages of a directory; they end where it was removed meanwhile: so say the changes since then. */
async function* pagesOf({ api, device }: Pick<Sync, 'api' | 'device'>, path: string): AsyncGenerator<TreePage, void> {
  let after: string | undefined;
  try {
    do {
      const { body } = await api.tree(device.id, path === '' ? undefined : path, after);
      yield body;
      after = body.next;
    } while (after !== undefined);
  } catch (error) {
    if (path === '' || !(error instanceof ServiceError) || error.code !== 'not_found') throw error;
  }
}

/** Whether the service was set back since this device read it; one that knows of no timeline yet takes this one. */
export function anotherTimeline({ timeline: known }: State, timeline: string | undefined): boolean {
  return known !== undefined && timeline !== known;
}
