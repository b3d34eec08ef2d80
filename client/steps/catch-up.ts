import type { Change } from '../../protocol/changes.ts';
import { ancestors, pathInside } from '../../protocol/path.ts';
import { type RemoteEntry, remoteEntry, same, type Trees } from '../plan/tree.ts';
import type { Api } from '../service/api.ts';
import { ServiceError } from '../service/errors.ts';
import type { Unreadable } from '../service/readable.ts';
import type { State } from '../state/state.ts';
import type { Sync } from './context.ts';
import { recognize, recognizeInTree } from './take-over.ts';
import { treeHashes } from './tree-hashes.ts';

type Reader = Pick<Sync, 'api' | 'device' | 'state' | 'notices' | 'tombstones' | 'report'>;

/**
 * Reads what happened at the service since the cursor into the remote tree, and marks the paths for the next plan.
 * What cannot be read is listed, and the cursor goes past it: at its path the tree stays as it was, so that nothing is
 * deleted here, and nothing there is replaced, since its version is not known.
 */
export async function catchUp(sync: Reader): Promise<void> {
  for (;;) {
    const { body } = await sync.api.changes(sync.device.id, sync.state.cursor).catch((error) => {
      if (!(error instanceof ServiceError) || error.code !== 'cursor_gone') throw error;
      return { body: undefined };
    });
    if (!body || anotherTimeline(sync.state, body.timeline)) return rereadTree(sync);
    sync.state.transaction(() => {
      for (const change of body.changes) {
        applyChange(sync.state, sync.state.trees, change);
        recognize(sync.state, sync.state.trees, sync.state.intents, change);
        if (change.change_type === 'delete') noteTombstone(sync, change.entry);
        sync.notices.replan(change.entry.path);
        if (change.device_id !== sync.device.id) sync.notices.changedBy(change.entry.path, change.device_id);
        if (change.moved_from !== undefined) sync.notices.replan(change.moved_from);
      }
      const read = body.changes.flatMap(({ entry, moved_from }) => [entry.path, moved_from ?? entry.path]);
      listUnreadable(sync, body.unreadable ?? [], new Set([...read, ...(body.gone ?? [])]));
      sync.state.setFact('cursor', String(body.cursor));
      sync.state.timeline = body.timeline;
    });
    if (!body.more) return;
  }
}

/** Notes the version of a deletion that this disk has to follow. */
function noteTombstone(
  { state, tombstones }: Pick<Sync, 'state' | 'tombstones'>,
  { path, version }: Change['entry'],
): void {
  const { local, synced } = state.trees;
  if (local.has(path) || synced.has(path)) tombstones.set(path, version);
}

/**
 * Takes a change over into the remote tree. Doing so twice, or with one that this device made, changes nothing.
 *
 * @param state where the remote tree is written
 */
export function applyChange(state: Pick<State, 'set' | 'remove'>, { remote, synced }: Trees, change: Change): void {
  const { path } = change.entry;
  if (change.change_type === 'delete') {
    state.remove('remote', path);
    return;
  }
  let origin = synced.has(path) ? undefined : remote.get(path)?.moved_from;
  if (change.change_type === 'move' && change.moved_from !== undefined) {
    // Of a chain of moves, where the file still lies on this disk matters.
    origin =
      (synced.has(change.moved_from) ? undefined : remote.get(change.moved_from)?.moved_from) ?? change.moved_from;
    state.remove('remote', change.moved_from);
  }
  const entry: RemoteEntry = remoteEntry(change.entry);
  state.set('remote', path, origin === undefined ? entry : { ...entry, moved_from: origin });
}

/**
 * Lists what of an answer could not be read, until it can, or is gone.
 *
 * @param settled paths of which more is known now than was listed
 */
function listUnreadable(
  { state, report }: Pick<Sync, 'state' | 'report'>,
  unreadable: readonly Unreadable[],
  settled: ReadonlySet<string>,
): void {
  const listed = new Map([...state.unreadable].filter(([path]) => !settled.has(path)));
  for (const { path, reason } of unreadable) {
    const message = `the service has something here that this client cannot read (${reason}); rename it where it was made, or update the client`;
    if (state.unreadable.get(path) !== message) report({ event: 'error', code: 'not_synced', message, path });
    listed.set(path, message);
  }
  state.unreadable = listed;
}

/**
 * Reads the tree, because the changes since the cursor are not kept; directories whose hash is that of the remote
 * tree here are skipped. The pages may be of different moments; the cursor of the first is kept, and the changes since
 * then put the others right. A service that is behind this device's cursor, or in another timeline, was set back to a
 * backup, and what it lacks was not deleted: where it differs, the folder is merged with it as on the first day.
 */
async function rereadTree(sync: Reader): Promise<void> {
  const { entries, unchanged, unreadable, cursor, timeline, setBack } = await readTree(sync);
  const kept = new Set(unreadable.map(({ path }) => path));
  sync.state.transaction(() => {
    for (const path of [...sync.state.trees.remote.keys()]) {
      if ([path, ...ancestors(path)].some((at) => kept.has(at))) continue;
      if (entries.has(path) || ancestors(path).some((above) => unchanged.has(above))) continue;
      sync.notices.replan(path);
      sync.state.remove('remote', path);
      if (setBack) sync.state.remove('synced', path);
    }
    for (const [path, entry] of entries) {
      sync.notices.replan(path);
      sync.state.set('remote', path, entry);
      if (setBack && !same(entry, sync.state.trees.synced.get(path))) sync.state.remove('synced', path);
    }
    const listed = [...sync.state.unreadable.keys()];
    const looked = listed.filter((path) => !ancestors(path).some((above) => unchanged.has(above)));
    listUnreadable(sync, unreadable, new Set(looked));
    recognizeInTree(sync.state, sync.state.trees, sync.state.intents);
    sync.state.setFact('cursor', String(cursor));
    sync.state.timeline = timeline;
  });
  if (setBack) sync.tombstones.clear();
  sync.notices.readChanges();
}

interface ReadTree {
  readonly entries: ReadonlyMap<string, RemoteEntry>;
  /** Directories of which the remote tree here has everything. */
  readonly unchanged: ReadonlySet<string>;
  readonly unreadable: readonly Unreadable[];
  readonly cursor: number;
  readonly timeline: string | undefined;
  readonly setBack: boolean;
}

async function readTree({ api, device, state }: Pick<Sync, 'api' | 'device' | 'state'>): Promise<ReadTree> {
  const known = treeHashes(state.trees.remote);
  const entries = new Map<string, RemoteEntry>();
  const unchanged = new Set<string>();
  const unreadable: Unreadable[] = [];
  const directories = [''];
  let first: Pick<ReadTree, 'cursor' | 'timeline' | 'setBack'> | undefined;
  for (let path = directories.pop(); path !== undefined; path = directories.pop()) {
    let after: string | undefined;
    do {
      const body = await readDirectory({ api, device }, path, after);
      // It was removed while the tree is read: so say the changes since then.
      if (!body) break;
      const { cursor, timeline } = body;
      first ??= { cursor, timeline, setBack: cursor < state.cursor || anotherTimeline(state, timeline) };
      for (const { path: name, reason } of body.unreadable ?? [])
        unreadable.push({ path: pathInside(path, name), reason });
      for (const { name, entry, tree_hash } of body.entries) {
        const child = pathInside(path, name);
        if (entry) entries.set(child, remoteEntry(entry));
        if (tree_hash === undefined) continue;
        // A version of another timeline may have the number and the blocks of one here, and other permissions.
        if (!first.setBack && tree_hash === known.get(child)) unchanged.add(child);
        else directories.push(child);
      }
      after = body.next;
    } while (after !== undefined);
  }
  return { entries, unchanged, unreadable, ...first! };
}

type TreePage = Awaited<ReturnType<Api['tree']>>['body'];

/** A page of a directory; `undefined` for one that is not there. */
async function readDirectory(
  { api, device }: Pick<Sync, 'api' | 'device'>,
  path: string,
  after: string | undefined,
): Promise<TreePage | undefined> {
  try {
    return (await api.tree(device.id, path === '' ? undefined : path, after)).body;
  } catch (error) {
    if (path === '' || !(error instanceof ServiceError) || error.code !== 'not_found') throw error;
    return undefined;
  }
}

/** Whether the service was set back since this device read it; one that knows of no timeline yet takes this one. */
function anotherTimeline({ timeline: known }: State, timeline: string | undefined): boolean {
  return known !== undefined && timeline !== known;
}
