import type { Change } from '../../protocol/changes.ts';
import { ancestors, isWithinAny, pathInside } from '../../protocol/path.ts';
import { type RemoteEntry, remoteEntry, same, type Trees } from '../plan/tree.ts';
import type { Api } from '../service/api.ts';
import { ServiceError } from '../service/errors.ts';
import type { Unreadable } from '../service/readable.ts';
import { readExclusions } from '../state/exclusions.ts';
import { HeldTrees } from '../state/held-trees.ts';
import { pack } from '../state/packed-row.ts';
import type { State } from '../state/state.ts';
import { MOST_AT_HAND } from './contents-at-hand.ts';
import type { Sync } from './context.ts';
import { recognize, recognizeInTree } from './take-over.ts';
import { treeHashes } from './tree-hashes.ts';
import { movesOfFolder } from './whole-folder.ts';

type Taker = Pick<Sync, 'device' | 'state' | 'notices' | 'tombstones' | 'report'>;
type Reader = Taker & Pick<Sync, 'api' | 'root' | 'atHand' | 'fetches'>;

/**
 * Reads what happened at the service since the cursor into the remote tree, and marks the paths for the next plan.
 * What cannot be read is listed, and the cursor goes past it: at its path the tree stays as it was, so that nothing is
 * deleted here, and nothing there is replaced, since its version is not known.
 */
export async function catchUp(sync: Reader): Promise<void> {
  let room = wantsContents(sync) ? MOST_AT_HAND : 0;
  for (;;) {
    const body = await readPage(sync, room);
    if (!body || anotherTimeline(sync.state, body.timeline)) return rereadTree(sync);
    const isWhole = sync.state.transaction(() => takePage(sync, body));
    room = Math.max(0, room - sync.atHand.note(body.contents ?? {}));
    if (!body.more && isWhole) return;
  }
}

/** A device that knows nothing of the service yet may have all of it, and one that leaves folders out wants not all. */
function wantsContents({ root, state }: Pick<Sync, 'root' | 'state'>): boolean {
  return state.timeline !== undefined && readExclusions(root).length === 0;
}

/** A page of changes, with small contents as far as there is room for and the line allows; `undefined` where they are not kept. */
async function readPage({ api, device, state, fetches }: Reader, room: number): Promise<Page | undefined> {
  const { most } = fetches;
  const asked = room < most ? undefined : most;
  try {
    const { body } = await fetches.asking(asked ?? 0, () => api.changes(device.id, state.cursor, asked));
    return body;
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'cursor_gone') throw error;
    return undefined;
  }
}

/**
 * Takes the changes that pushes brought along, as far as they follow on what is known, and notes their contents. Where one
 * does not, the changes have to be read.
 */
export function takeNews(sync: Taker & Pick<Sync, 'atHand'>): void {
  for (const { change, timeline, contents } of sync.notices.takeNews()) {
    const { cursor } = change;
    const isElsewhere = sync.state.timeline === undefined || timeline !== sync.state.timeline;
    if (isElsewhere || cursor > sync.state.cursor + 1) {
      sync.notices.readChanges();
      continue;
    }
    if (cursor <= sync.state.cursor) continue;
    sync.state.transaction(() => takePage(sync, { changes: [change], cursor, timeline, more: false }));
    sync.atHand.note(contents);
  }
}

type Page = Awaited<ReturnType<Api['changes']>>['body'];

/**
 * Takes a page over, up to a folder that moved whole and of which the tree here does not have all, or may have it from
 * after the move: the service then tells of what is in it one by one. Answers whether it was the whole page.
 */
function takePage(sync: Taker, { changes, unreadable = [], gone = [], cursor, timeline }: Page): boolean {
  const { state } = sync;
  const unknown = [...state.unreadable.keys(), ...unreadable.map(({ path }) => path)];
  const read: string[] = [];
  let cut: number | undefined;
  for (const item of changes) {
    const moves = changesOf(state, item, unknown);
    for (const change of moves ?? [item]) {
      takeChange(sync, change);
      read.push(change.entry.path, change.moved_from ?? change.entry.path);
    }
    if (moves) continue;
    cut = item.cursor;
    break;
  }
  listUnreadable(sync, unreadable, new Set([...read, ...gone]));
  state.setFact('cursor', String(cut ?? cursor));
  state.timeline = timeline;
  return cut === undefined;
}

/** The changes that an item stands for; `undefined` for a folder of which the tree here is, or may be, another. */
function changesOf(state: State, item: Change, unknown: readonly string[]): Change[] | undefined {
  if (item.entries === undefined) return [item];
  if (item.cursor <= Number(state.fact('tree_cursor') ?? 0)) return undefined;
  return movesOfFolder(state.trees.remote, item, unknown);
}

function takeChange(sync: Taker, change: Change): void {
  const { state, notices } = sync;
  applyChange(state, state.trees, change);
  recognize(state, state.trees, state.intents, change);
  if (change.change_type === 'delete') noteTombstone(sync, change.entry);
  notices.replan(change.entry.path);
  if (change.device_id !== sync.device.id) notices.changedBy(change.entry.path, change.device_id);
  if (change.moved_from !== undefined) notices.replan(change.moved_from);
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
  const there = remote.get(path);
  let origin = synced.has(path) ? undefined : there?.moved_from;
  if (change.change_type === 'move' && change.moved_from !== undefined) {
    const known = there?.version === change.entry.version ? there.moved_from : undefined;
    // Of a chain of moves, where the file still lies on this disk matters.
    const before = synced.has(change.moved_from) ? undefined : remote.get(change.moved_from)?.moved_from;
    origin = known ?? before ?? change.moved_from;
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
 * then put the others right, one by one. A service that is behind this device's cursor, or in another timeline, was set back to a
 * backup, and what it lacks was not deleted: where it differs, the folder is merged with it as on the first day.
 */
async function rereadTree(sync: Reader): Promise<void> {
  const { entries, unchanged, unreadable, cursor, last, timeline, setBack } = await readTree(sync);
  const kept = new Set(unreadable.map(({ path }) => path));
  sync.state.transaction(() => {
    for (const path of [...sync.state.trees.remote.keys()]) {
      if (isWithinAny(path, kept)) continue;
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
    sync.state.setFact('tree_cursor', String(last));
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
  /** Of the first page. */
  readonly cursor: number;
  /** The highest of any page: what happened up to it may be in some of them. */
  readonly last: number;
  readonly timeline: string | undefined;
  readonly setBack: boolean;
}

async function readTree({ api, device, state }: Pick<Sync, 'api' | 'device' | 'state'>): Promise<ReadTree> {
  const known = treeHashes(state.trees.remote);
  const entries = new HeldTrees();
  const unchanged = new Set<string>();
  const unreadable: Unreadable[] = [];
  const directories = [''];
  let first: Pick<ReadTree, 'cursor' | 'timeline' | 'setBack'> | undefined;
  let last = 0;
  for (let path = directories.pop(); path !== undefined; path = directories.pop()) {
    let after: string | undefined;
    do {
      const body = await readDirectory({ api, device }, path, after);
      // It was removed while the tree is read: so say the changes since then.
      if (!body) break;
      const { cursor, timeline } = body;
      last = Math.max(last, cursor);
      first ??= { cursor, timeline, setBack: cursor < state.cursor || anotherTimeline(state, timeline) };
      for (const { path: name, reason } of body.unreadable ?? [])
        unreadable.push({ path: pathInside(path, name), reason });
      for (const { name, entry, tree_hash } of body.entries) {
        const child = pathInside(path, name);
        if (entry) entries.hold(child, pack({ remote: remoteEntry(entry) }));
        if (tree_hash === undefined) continue;
        // A version of another timeline may have the number and the blocks of one here, and other permissions.
        if (!first.setBack && tree_hash === known.get(child)) unchanged.add(child);
        else directories.push(child);
      }
      after = body.next;
    } while (after !== undefined);
  }
  return { entries: entries.remote, unchanged, unreadable, last, ...first! };
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
