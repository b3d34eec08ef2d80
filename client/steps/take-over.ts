import type { Change } from '../../protocol/changes.ts';
import { isWithin } from '../../protocol/path.ts';
import { isKept, movedEntries, pathsWithin, type RemoteEntry, same, type Trees, within } from '../plan/tree.ts';
import type { Intent, MovedItem, OfferedItem } from '../state/intent.ts';
import type { State } from '../state/state.ts';

type Writer = Pick<State, 'set' | 'remove'>;

/** A commit of this device. */
export interface Committed {
  readonly version: number;
  /** Whether the remote tree has it already, and maybe what came after it. */
  readonly isRead: boolean;
}

/** The service has taken what was offered: both sides agreed on it, whatever has become of it since. */
export function takeUpload(
  state: Writer,
  { local, synced }: Trees,
  { path, base_version, local: offered }: OfferedItem,
  { version, isRead }: Committed,
): void {
  const { kind, size, mode, blocks, mtime_ms } = offered;
  const entry: RemoteEntry = { kind, size, mode, mtime_ms, blocks, version };
  if (!isRead) state.set('remote', path, entry);
  // A save under another inode that changed nothing: renames are followed by the inode.
  const here = local.get(path);
  const identity = here && same(here, entry) ? here.identity : offered.identity;
  const comesBack = base_version === 0 && isKept(offered, synced.get(path));
  if (here && comesBack) state.set('local', path, { ...here, leftover: true });
  const lapsed = synced.get(path)?.lapsed;
  state.set('synced', path, { ...entry, identity, ...(lapsed && { lapsed }) });
}

export function takeDeletion(state: Writer, path: string, { isRead }: Pick<Committed, 'isRead'>): void {
  if (!isRead) state.remove('remote', path);
  state.remove('synced', path);
}

/** An edit that was made elsewhere went along: what was agreed on is the content before it, at the new path. */
export function takeMove(
  state: Writer,
  { remote, synced }: Trees,
  { from, to, identity }: MovedItem,
  { version, isRead }: Committed,
): void {
  const [old, there] = [synced.get(from), remote.get(isRead ? to : from)];
  if (!isRead && there) {
    const { moved_from, ...content } = there;
    // What this disk was still to get is found by its older name.
    const origin = old || moved_from === undefined ? {} : { moved_from };
    state.remove('remote', from);
    state.set('remote', to, { ...content, version, ...origin });
  }
  if (!old) return;
  state.remove('synced', from);
  state.set('synced', to, { ...old, version: there && same(old, there) ? version : old.version, identity });
}

/**
 * A directory was renamed on this disk as another device had renamed it: what is in it lies under the new name, and was
 * agreed on there. Only what was committed under the old name after the rename was agreed on there still. Answers the
 * paths to plan.
 */
export function takeFolderMove(state: Writer, { local, remote, synced }: Trees, from: string, to: string): string[] {
  const renamed = (path: string): string | undefined =>
    isWithin(path, from) ? to + path.slice(from.length) : undefined;
  const changed: string[] = [];
  for (const [path, entry] of within(local, from)) {
    const now = to + path.slice(from.length);
    state.remove('local', path);
    state.set('local', now, entry);
    changed.push(path, now);
  }
  for (const [path, base] of within(synced, from)) {
    if (remote.has(path)) continue;
    const now = to + path.slice(from.length);
    const there = remote.get(now);
    const version = there?.moved_from === path && same(base, there) ? there.version : base.version;
    state.remove('synced', path);
    state.set('synced', now, { ...base, version });
    changed.push(path, now);
  }
  for (const end of [from, to]) for (const path of pathsWithin(remote, end)) changed.push(path);
  for (const [path, { moved_from: origin, ...there }] of movedEntries(remote)) {
    const now = remote.has(origin) ? undefined : renamed(origin);
    if (now === undefined) continue;
    state.set('remote', path, now === path ? there : { ...there, moved_from: now });
    changed.push(path);
  }
  return changed;
}

/**
 * Takes a change that was just read for the answer that never came, where it is what a call of this device meant: the
 * same device, path, base and content. By the device alone it could be a restore that the user asked for.
 */
export function recognize(state: Writer, trees: Trees, intents: readonly Intent[], change: Change): void {
  for (const intent of intents) {
    if (intent.device_id !== change.device_id) continue;
    const { entry, change_type, moved_from } = change;
    const { path, version } = entry;
    const committed = { version, isRead: true };
    if (intent.call === 'finalize' && (change_type === 'create' || change_type === 'update')) {
      const item = intent.items.find((item) => item.path === path && item.base_version < version);
      const isIt = item && same(item.local, entry) && item.local.mtime_ms === entry.mtime_ms;
      if (isIt) takeUpload(state, trees, item, committed);
    } else if (intent.call === 'remove' && change_type === 'delete') {
      const isIt = intent.files.some((file) => file.path === path && file.base_version + 1 === version);
      if (isIt) takeDeletion(state, path, committed);
    } else if (intent.call === 'move' && change_type === 'move') {
      const move = intent.moves.find(({ from, to }) => from === moved_from && to === path);
      if (move) takeMove(state, trees, move, committed);
    }
  }
}

/** As `recognize`, in a remote tree that was read anew and does not say who made what. */
export function recognizeInTree(state: Writer, trees: Trees, intents: readonly Intent[]): void {
  for (const intent of intents) {
    if (intent.call === 'finalize') {
      for (const item of intent.items) {
        const there = trees.remote.get(item.path);
        const isIt = there && same(item.local, there) && item.local.mtime_ms === there.mtime_ms;
        if (isIt) takeUpload(state, trees, item, { version: there.version, isRead: true });
      }
    } else if (intent.call === 'move') {
      for (const move of intent.moves) {
        const [there, old] = [trees.remote.get(move.to), trees.synced.get(move.from)];
        const isIt = there && !trees.remote.has(move.from) && same(old, there);
        if (isIt) takeMove(state, trees, move, { version: there.version, isRead: true });
      }
    }
  }
}
