import { chmod, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ancestors, parentOf } from '../../protocol/path.ts';
import { systemCode } from '../common/errors.ts';
import { discard, flushDirectory } from '../common/replace-file.ts';
import { diskPath, rememberParents } from '../disk/paths.ts';
import { type Placement, putInPlace } from '../disk/put-in-place.ts';
import { findTwin } from '../disk/spelling.ts';
import { DiskChanged, demandUnchanged, hintOf, identityOf } from '../disk/stamps.ts';
import { arrivingMode, isKept, isLeaf, type LocalEntry, sameContent, syncedEntry } from '../plan/tree.ts';
import type { Sync } from './context.ts';
import { makeWay } from './directories.ts';
import type { FetchedFile } from './fetch-files.ts';
import type { WantedFile } from './lacking.ts';

type Parts = Pick<Sync, 'root' | 'state' | 'report' | 'failures' | 'notices'>;

/** Brings to the disk, of the remote entries at these paths, what takes no content: directories, then permissions. */
export async function downloadEntries(sync: Parts, paths: readonly string[]): Promise<void> {
  const wanted = paths.flatMap((path) => {
    const remote = sync.state.trees.remote.get(path);
    return remote && !lacksContent(sync, path) ? [{ path, remote }] : [];
  });
  await makeDirectories(
    sync,
    wanted.filter(({ remote }) => remote.kind === 'directory'),
  );
  for (const file of wanted.filter(({ remote }) => remote.kind === 'file')) {
    await sync.failures.attempt([file.path], () => setPermissions(sync, file));
  }
}

/** Whether the remote entry at a path is a file or link whose content is not what the disk has there. */
export function lacksContent({ state }: Pick<Sync, 'state'>, path: string): boolean {
  const { local, remote } = state.trees;
  const there = remote.get(path);
  return isLeaf(there) && !sameContent(local.get(path), there);
}

/** Puts files that were fetched in their places, each if that still holds what the local tree says. */
export async function placeFiles(sync: Parts, files: readonly FetchedFile[]): Promise<void> {
  const parents = rememberParents(sync.root);
  const { trees } = sync.state;
  const ready: { readonly file: FetchedFile; readonly placement: Placement }[] = [];
  for (const file of files) {
    const { path, remote, beside } = file;
    await sync.failures.attempt([path], async () => {
      try {
        parents(path);
      } catch (error) {
        await discard(beside.temporary);
        throw error;
      }
      const expected = trees.local.get(path)?.hint;
      const mode = arrivingMode(trees, path, remote);
      ready.push({ file, placement: { ...beside, place: diskPath(sync.root, path), expected, mode } });
    });
  }
  const placed = await putInPlace(ready.map(({ placement }) => placement));
  const there = ready.flatMap(({ file, placement: { mode } }, index) => {
    const result = placed[index]!;
    return result.status === 'fulfilled' ? [{ ...file, disk: { mode, ...result.value } }] : [];
  });
  agree(sync, there);
  for (const { path, remote, received } of there) {
    sync.notices.wrote(path);
    const event = { path, version: remote.version, at: Date.now(), file_bytes: remote.size, content_bytes: received };
    sync.report({ event: 'downloaded', ...event });
  }
  for (const [index, { file }] of ready.entries()) {
    const result = placed[index]!;
    if (result.status === 'rejected') sync.failures.failEach([file.path], result.reason);
  }
}

/**
 * Makes directories, those above before those inside. They are agreed on once the directory around them was flushed,
 * which is done once for all that it holds, and not when one above could not be.
 */
async function makeDirectories(sync: Parts, directories: readonly WantedFile[]): Promise<void> {
  const made: WantedFile[] = [];
  for (const directory of directories) {
    await sync.failures.attempt([directory.path], async () => {
      await makeDirectory(sync, directory);
      made.push(directory);
    });
  }
  const unsafe = new Set<string>();
  for (const [parent, inside] of Map.groupBy(made, ({ path }) => parentOf(path))) {
    const paths = inside.map(({ path }) => path);
    for (const path of paths) unsafe.add(path);
    await sync.failures.attempt(paths, async () => {
      if (ancestors(paths[0]!).some((above) => unsafe.has(above)))
        throw new DiskChanged(`${parent} could not be flushed`);
      await flushDirectory(join(sync.root, parent));
      for (const directory of inside) await agreeOnDirectory(sync, directory);
      for (const path of paths) unsafe.delete(path);
    });
  }
}

async function makeDirectory(sync: Parts, { path, remote }: WantedFile): Promise<void> {
  await makeWay(sync, path);
  const place = diskPath(sync.root, path);
  await mkdir(place).catch(async (error) => {
    if (systemCode(error) !== 'EEXIST') throw error;
    const isSame = (await lstat(place)).isDirectory() && !(await findTwin(sync.root, path));
    if (!isSame) throw new DiskChanged(`${place} is in the way`);
  });
  await chmod(place, arrivingMode(sync.state.trees, path, remote));
}

async function agreeOnDirectory(sync: Parts, { path, remote }: WantedFile): Promise<void> {
  const mode = arrivingMode(sync.state.trees, path, remote);
  const { local, synced } = sync.state.trees;
  const leftover = !local.has(path) && isKept(remote, synced.get(path));
  const identity = identityOf(await lstat(diskPath(sync.root, path), { bigint: true }));
  agree(sync, [{ path, remote, disk: { mode, identity, hint: '', ...(leftover && { leftover }) } }]);
  sync.report({ event: 'directory', side: 'local', path, version: remote.version, at: Date.now() });
}

async function setPermissions(sync: Parts, { path, remote }: WantedFile): Promise<void> {
  await makeWay(sync, path);
  const place = diskPath(sync.root, path);
  demandUnchanged(place, sync.state.trees.local.get(path)?.hint);
  const before = await lstat(place, { bigint: true });
  const mode = arrivingMode(sync.state.trees, path, remote);
  await chmod(place, mode);
  const after = await lstat(place, { bigint: true });
  const untouched = before.mtimeNs === after.mtimeNs && before.size === after.size;
  const disk = { mode, identity: identityOf(after), hint: untouched ? hintOf(after) : '' };
  agree(sync, [{ path, remote, disk }]);
  const event = { path, version: remote.version, at: Date.now(), file_bytes: remote.size, content_bytes: 0 };
  sync.report({ event: 'downloaded', ...event });
}

/** Writes down that the disk now holds the remote entries. */
function agree(
  { state, failures, notices }: Pick<Sync, 'state' | 'failures' | 'notices'>,
  files: readonly (WantedFile & { readonly disk: Pick<LocalEntry, 'mode' | 'identity' | 'hint' | 'leftover'> })[],
): void {
  state.transaction(() => {
    for (const { path, remote, disk } of files) {
      const { kind, size, mtime_ms, blocks } = remote;
      const local: LocalEntry = { kind, size, mtime_ms, blocks, ...disk };
      state.set('local', path, local);
      state.set('synced', path, syncedEntry(remote, local));
    }
  });
  for (const { path, remote, disk } of files) {
    failures.succeed(path);
    // Permissions that were changed here, too, are uploaded by the next plan.
    if (disk.mode !== remote.mode) notices.replan(path);
  }
}
