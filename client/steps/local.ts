import type { BigIntStats } from 'node:fs';
import { chmod, lstat, rename, rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isInside } from '../../protocol/path.ts';
import { systemCode } from '../common/errors.ts';
import { flushDirectory } from '../common/replace-file.ts';
import { demandParents, diskPath } from '../disk/paths.ts';
import { DiskChanged, demandUnchanged, hintOf, identityOf } from '../disk/stamps.ts';
import { type LocalEntry, same } from '../plan/tree.ts';
import type { Sync } from './context.ts';

/** Deletes on the disk what another device deleted. A directory goes only when it is empty. */
export async function deleteLocal(
  sync: Pick<Sync, 'root' | 'state' | 'tombstones' | 'failures' | 'report'>,
  path: string,
): Promise<void> {
  const { state, root } = sync;
  const [entry, synced] = [state.trees.local.get(path), state.trees.synced.get(path)];
  if (!entry || !synced) return;
  const place = diskPath(root, path);
  if (!(await demandParents(root, path, { create: false }))) throw new DiskChanged(`${place} is gone`);
  if (entry.kind === 'file') {
    await demandUnchanged(place, entry.hint);
    await unlink(place);
  } else {
    const removed = await removeDirectory(place);
    if (!removed && holdsKnown(state.trees.local, path)) {
      return sync.failures.fail(path, 'path_conflict', 'the directory still holds what has to go first');
    }
    if (!removed) {
      state.set('local', path, { ...entry, leftover: true });
      return state.remove('synced', path);
    }
  }
  await flushDirectory(dirname(place));
  state.transaction(() => {
    state.remove('local', path);
    state.remove('synced', path);
  });
  const version = sync.tombstones.get(path) ?? synced.version + 1;
  sync.tombstones.delete(path);
  sync.report({ event: 'deleted', side: 'local', path, version, at: Date.now() });
  sync.failures.succeed(path);
}

/** Whether something is inside that is synced, not only directories that stay for what is not. */
function holdsKnown(tree: ReadonlyMap<string, LocalEntry>, directory: string): boolean {
  for (const [path, { leftover }] of tree) if (!leftover && isInside(path, directory)) return true;
  return false;
}

/** False when the directory holds something. What is no longer there counts as removed. */
async function removeDirectory(place: string): Promise<boolean> {
  try {
    await rmdir(place);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return true;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

/** Follows a rename of another device. An edit that was made here goes along and is uploaded from the new place. */
export async function moveLocal(
  sync: Pick<Sync, 'root' | 'state' | 'notices' | 'failures' | 'report'>,
  from: string,
  to: string,
): Promise<void> {
  const { state } = sync;
  const [entry, synced] = [state.trees.local.get(from), state.trees.synced.get(from)];
  const remote = state.trees.remote.get(to);
  if (!entry || !synced || !remote) return;
  const moved = await renameOnDisk(sync.root, from, to, entry);
  state.transaction(() => {
    for (const tree of ['local', 'synced'] as const) state.remove(tree, from);
    state.set('local', to, moved);
    const version = same(synced, remote) ? remote.version : synced.version;
    state.set('synced', to, { ...synced, version, identity: moved.identity });
  });
  sync.report({ event: 'renamed', side: 'local', from, path: to, version: remote.version, at: Date.now() });
  sync.failures.succeed(from);
  sync.failures.succeed(to);
  sync.notices.replan(from, to);
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
  await demandParents(root, path, { create: false });
  await demandUnchanged(place, entry.hint);
  await chmod(place, mode);
  const stats = await lstat(place, { bigint: true });
  state.set('local', path, { ...entry, mode, hint: sameBytes(entry, stats) ? hintOf(stats) : '' });
  notices.replan(path);
}

/** The change of the permissions changed the change time; the other stamps have to tell. */
function sameBytes({ size, hint }: LocalEntry, stats: BigIntStats): boolean {
  return size === Number(stats.size) && hint.split(':')[2] === String(stats.mtimeNs);
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
  const moved = await renameOnDisk(sync.root, path, to, entry);
  state.transaction(() => {
    state.remove('local', path);
    // The entry at the new path is a new one, and no rename of this one by the user.
    state.remove('synced', path);
    state.set('local', to, moved);
    if (entry.kind === 'directory') {
      for (const [inside, below] of [...state.trees.local].filter(([candidate]) => isInside(candidate, path))) {
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

async function renameOnDisk(root: string, from: string, to: string, entry: LocalEntry): Promise<LocalEntry> {
  const [source, target] = [diskPath(root, from), diskPath(root, to)];
  if (!(await demandParents(root, from, { create: false }))) throw new DiskChanged(`${source} is gone`);
  await demandParents(root, to, { create: true });
  if (entry.kind === 'file') await demandUnchanged(source, entry.hint);
  await demandUnchanged(target, undefined);
  await rename(source, target);
  await flushDirectory(dirname(target));
  if (dirname(source) !== dirname(target)) await flushDirectory(dirname(source));
  const stats = await lstat(target, { bigint: true });
  if (stats.isFile() !== (entry.kind === 'file')) throw new DiskChanged(`${target} changed while it was renamed`);
  return { ...entry, identity: identityOf(stats), hint: stats.isFile() ? hintOf(stats) : '' };
}
