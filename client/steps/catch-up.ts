import type { Change } from '../../protocol/changes.ts';
import { type RemoteEntry, remoteEntry, type Trees } from '../plan/tree.ts';
import type { Api } from '../service/api.ts';
import { ServiceError } from '../service/errors.ts';
import { readExclusions } from '../state/exclusions.ts';
import type { State } from '../state/state.ts';
import { MOST_AT_HAND } from './contents-at-hand.ts';
import type { Sync } from './context.ts';
import { anotherTimeline, rereadTree } from './reread-tree.ts';
import { recognize } from './take-over.ts';
import { listUnreadable } from './unreadable.ts';
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
