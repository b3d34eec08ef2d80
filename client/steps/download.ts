import type { FileHandle } from 'node:fs/promises';
import { chmod, lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { each } from '../common/each.ts';
import { systemCode } from '../common/errors.ts';
import { flushDirectory } from '../common/replace-file.ts';
import { diskPath } from '../disk/paths.ts';
import { findTwin } from '../disk/spelling.ts';
import { DiskChanged, demandUnchanged, hintOf, identityOf } from '../disk/stamps.ts';
import { writeAtomically, writeSparsely } from '../disk/write-file.ts';
import { trackProgress } from '../output/progress.ts';
import { withOffsets } from '../plan/block-offsets.ts';
import { isKept, type LocalEntry, mergedMode, type RemoteEntry, sameContent, syncedEntry } from '../plan/tree.ts';
import type { Sync } from './context.ts';
import { makeWay } from './directories.ts';
import { BlockSource, type WantedFile } from './fetch-blocks.ts';

const CONCURRENT_FILES = 8;
/** Blocks of one file that are in memory at a time. */
const CONCURRENT_BLOCKS = 4;

/** Brings the disk to the remote entries at these paths: directories first, then permissions and content. */
export async function download(sync: Sync, paths: readonly string[]): Promise<void> {
  const wanted = paths.flatMap((path) => {
    const remote = sync.state.trees.remote.get(path);
    return remote ? [{ path, remote }] : [];
  });
  for (const file of wanted.filter(({ remote }) => remote.kind === 'directory')) {
    await sync.failures.attempt([file.path], () => makeDirectory(sync, file));
  }
  const files = wanted.filter(({ remote }) => remote.kind === 'file');
  const holdsContent = ({ path, remote }: WantedFile): boolean => sameContent(sync.state.trees.local.get(path), remote);
  for (const file of files.filter(holdsContent))
    await sync.failures.attempt([file.path], () => setPermissions(sync, file));

  const contents = files.filter((file) => !holdsContent(file));
  if (contents.length === 0) return;
  const source = new BlockSource(sync, contents);
  try {
    await source.prepare(contents);
  } catch (error) {
    return sync.failures.failEach(
      contents.map(({ path }) => path),
      error,
    );
  }
  await each(contents, CONCURRENT_FILES, (file) =>
    sync.failures.attempt([file.path], () => writeFile(sync, file, source)),
  );
  // The files are tried again in any case.
  await source.report().catch(() => undefined);
}

async function makeDirectory(sync: Sync, { path, remote }: WantedFile): Promise<void> {
  await makeWay(sync, path);
  const place = diskPath(sync.root, path);
  await mkdir(place).catch(async (error) => {
    if (systemCode(error) !== 'EEXIST') throw error;
    const isSame = (await lstat(place)).isDirectory() && !(await findTwin(sync.root, path));
    if (!isSame) throw new DiskChanged(`${place} is in the way`);
  });
  const mode = modeFor(sync, path, remote);
  await chmod(place, mode);
  await flushDirectory(dirname(place));
  const { local, synced } = sync.state.trees;
  const leftover = !local.has(path) && isKept(remote, synced.get(path));
  const identity = identityOf(await lstat(place, { bigint: true }));
  agree(sync, path, remote, { mode, identity, hint: '', ...(leftover && { leftover }) });
  sync.report({ event: 'directory', side: 'local', path, version: remote.version, at: Date.now() });
}

async function setPermissions(sync: Sync, { path, remote }: WantedFile): Promise<void> {
  await makeWay(sync, path);
  const place = diskPath(sync.root, path);
  await demandUnchanged(place, sync.state.trees.local.get(path)?.hint);
  const before = await lstat(place, { bigint: true });
  const mode = modeFor(sync, path, remote);
  await chmod(place, mode);
  const after = await lstat(place, { bigint: true });
  const untouched = before.mtimeNs === after.mtimeNs && before.size === after.size;
  agree(sync, path, remote, { mode, identity: identityOf(after), hint: untouched ? hintOf(after) : '' });
  const event = { path, version: remote.version, at: Date.now(), file_bytes: remote.size, content_bytes: 0 };
  sync.report({ event: 'downloaded', ...event });
}

async function writeFile(sync: Sync, file: WantedFile, source: BlockSource): Promise<void> {
  const { path, remote } = file;
  await makeWay(sync, path);
  const written = await sync.room.promise(remote.size);
  let [received, left] = [0, remote.size];
  const fill = async (handle: FileHandle): Promise<void> => {
    const progress = trackProgress(sync.report, path, remote.size);
    await each([...withOffsets(remote.blocks).entries()], CONCURRENT_BLOCKS, async ([index, { hash, offset }]) => {
      const block = await source.block(file, index);
      await writeSparsely(handle, block.bytes, offset);
      await sync.cache.put(hash, block.bytes);
      received += block.received;
      left -= block.bytes.length;
      written(block.bytes.length);
      progress(block.bytes.length);
    });
  };
  const place = diskPath(sync.root, path);
  const expected = sync.state.trees.local.get(path)?.hint;
  const mode = modeFor(sync, path, remote);
  const { mtime_ms, blocks } = remote;
  const target = { place, folderId: sync.state.folderId, expected, mode, mtime_ms, blocks };
  try {
    const disk = await writeAtomically(target, fill);
    agree(sync, path, remote, { mode, ...disk });
  } finally {
    written(left);
  }
  const event = { path, version: remote.version, at: Date.now(), file_bytes: remote.size, content_bytes: received };
  sync.report({ event: 'downloaded', ...event });
}

/** The permissions that the disk gets: those of the service, unless this device changed them, too. */
function modeFor({ state }: Sync, path: string, remote: RemoteEntry): number {
  const local = state.trees.local.get(path);
  return local?.kind === remote.kind ? mergedMode(local, remote, state.trees.synced.get(path)) : remote.mode;
}

/** Writes down that the disk now holds the remote entry. */
function agree(
  sync: Sync,
  path: string,
  remote: RemoteEntry,
  disk: Pick<LocalEntry, 'mode' | 'identity' | 'hint' | 'leftover'>,
): void {
  const { kind, size, mtime_ms, blocks } = remote;
  const local: LocalEntry = { kind, size, mtime_ms, blocks, ...disk };
  sync.state.transaction(() => {
    sync.state.set('local', path, local);
    sync.state.set('synced', path, syncedEntry(remote, local));
  });
  sync.failures.succeed(path);
  // Permissions that were changed here, too, are uploaded by the next plan.
  if (local.mode !== remote.mode) sync.notices.replan(path);
}
