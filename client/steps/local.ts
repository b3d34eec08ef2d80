import { chmod, lstat } from 'node:fs/promises';
import { isInside } from '../../protocol/path.ts';
import { demandParents, diskPath } from '../disk/paths.ts';
import { renameEntry } from '../disk/rename.ts';
import { DiskChanged, demandUnchanged, hintOf, identityOf, sameBytes } from '../disk/stamps.ts';
import { isLeaf, type LocalEntry, pathsWithin, same, within } from '../plan/tree.ts';
import type { Sync } from './context.ts';
import { makeWay } from './directories.ts';
import { takeFolderMove } from './take-over.ts';

/**
 * Follows a rename of another device. An edit that was made here goes along and is uploaded from the new place, and so
 * does all that is in a directory.
 */
export async function moveLocal(
  sync: Pick<Sync, 'root' | 'state' | 'notices' | 'failures' | 'report' | 'unmovable'>,
  from: string,
  to: string,
): Promise<void> {
  const { state } = sync;
  const [entry, synced] = [state.trees.local.get(from), state.trees.synced.get(from)];
  const remote = state.trees.remote.get(to);
  if (!entry) return;
  if (entry.kind === 'directory') return moveFolder(sync, from, to, entry);
  const moved = await renameOnDisk(sync, from, to, entry);
  state.transaction(() => {
    state.remove('local', from);
    state.set('local', to, moved);
    // What was committed under the old name after the rename is renamed at the service by the next plan.
    if (!remote && state.trees.remote.has(from)) return;
    state.remove('synced', from);
    if (!synced || !remote) return;
    const version = same(synced, remote) ? remote.version : synced.version;
    state.set('synced', to, { ...synced, version, identity: moved.identity });
  });
  if (remote) sync.report({ event: 'renamed', side: 'local', from, path: to, version: remote.version, at: Date.now() });
  sync.failures.succeed(from);
  sync.failures.succeed(to);
  sync.notices.replan(from, to);
}

/**
 * Renames a directory with all that is in it. One that the disk refuses to rename is left to the next plan, file by file.
 */
async function moveFolder(
  sync: Pick<Sync, 'root' | 'state' | 'notices' | 'failures' | 'report' | 'unmovable'>,
  from: string,
  to: string,
  entry: LocalEntry,
): Promise<void> {
  const { state, notices } = sync;
  const { local, remote, synced } = state.trees;
  try {
    await renameOnDisk(sync, from, to, entry);
  } catch (error) {
    if (error instanceof DiskChanged) throw error;
    sync.unmovable.add(from);
    for (const tree of [local, remote, synced]) {
      for (const end of [from, to]) for (const path of pathsWithin(tree, end)) notices.replan(path);
    }
    throw error;
  }
  const version = remote.get(to)?.version;
  state.transaction(() => {
    for (const path of takeFolderMove(state, state.trees, from, to)) notices.replan(path);
  });
  // Looked at again for what came into it meanwhile, and for its watches.
  for (const path of [from, to]) {
    notices.look(path);
    sync.failures.succeed(path);
  }
  if (version !== undefined) sync.report({ event: 'renamed', side: 'local', from, path: to, version, at: Date.now() });
}

/** Gives a file permissions that another device gave it. */
export async function setMode(
  { root, state, notices }: Pick<Sync, 'root' | 'state' | 'notices'>,
  path: string,
  mode: number,
): Promise<void> {
  const entry = state.trees.local.get(path);
  if (!entry) return;
  const place = diskPath(root, path);
  demandParents(root, path);
  demandUnchanged(place, entry.hint);
  await chmod(place, mode);
  const stats = await lstat(place, { bigint: true });
  state.set('local', path, { ...entry, mode, hint: sameBytes(entry, stats) ? hintOf(stats) : '' });
  notices.replan(path);
}

/** Renames this device's side of a conflict, with all that is in it. */
export async function setAside(
  sync: Pick<Sync, 'root' | 'state' | 'apart' | 'notices' | 'failures' | 'report'>,
  path: string,
  to: string,
): Promise<void> {
  const { state } = sync;
  const entry = state.trees.local.get(path);
  if (!entry) return;
  const kept = [...sync.apart].find((at) => isInside(at, path));
  if (kept !== undefined) {
    const why = "holds this device's sign-in, so that it cannot make room for the file of this name";
    return sync.failures.fail(path, 'local', `${kept} ${why}: rename the file on another device`);
  }
  const moved = await renameOnDisk(sync, path, to, entry);
  state.transaction(() => {
    state.remove('local', path);
    // The entry at the new path is a new one, and no rename of this one by the user.
    state.remove('synced', path);
    state.set('local', to, moved);
    if (entry.kind === 'directory') {
      for (const [inside, below] of within(state.trees.local, path)) {
        const target = to + inside.slice(path.length);
        state.remove('local', inside);
        state.set('local', target, below);
        sync.notices.replan(inside, target);
      }
    }
  });
  sync.notices.replan(path, to);
  sync.notices.lookAgain(to);
  sync.report({ event: 'conflict', path: to, original: path, at: Date.now() });
}

async function demandSameDirectory(place: string, { identity }: LocalEntry): Promise<void> {
  const stats = await lstat(place, { bigint: true });
  if (!stats.isDirectory() || identityOf(stats) !== identity) throw new DiskChanged(`${place} is another one`);
}

async function renameOnDisk(
  sync: Pick<Sync, 'root' | 'state' | 'notices'>,
  from: string,
  to: string,
  entry: LocalEntry,
): Promise<LocalEntry> {
  const [source, target] = [diskPath(sync.root, from), diskPath(sync.root, to)];
  if (!demandParents(sync.root, from)) throw new DiskChanged(`${source} is gone`);
  await makeWay(sync, to);
  if (isLeaf(entry)) demandUnchanged(source, entry.hint);
  if (entry.kind === 'directory') await demandSameDirectory(source, entry);
  demandUnchanged(target, undefined);
  const renamed = await renameEntry(source, target, entry);
  if (isLeaf(entry) && renamed.hint === '') sync.notices.look(to);
  return renamed;
}
