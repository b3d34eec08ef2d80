import { batched } from '../common/batched.ts';
import { each } from '../common/each.ts';
import { diskPath, type Parents, rememberParents } from '../disk/paths.ts';
import { DiskChanged } from '../disk/stamps.ts';
import type { Beside } from '../disk/write-file.ts';
import { type SmallFile, writeTogether } from '../disk/write-together.ts';
import { arrivingMode } from '../plan/tree.ts';
import type { DownChannel } from './channels.ts';
import type { Sync } from './context.ts';
import { BlockSource, type WantedFile } from './fetch-blocks.ts';
import { writeFetched } from './write-fetched.ts';

const CONCURRENT_FILES = 8;

/** Small files that are written together; all of them are open at once. */
const TOGETHER = 64;

/** A file that is to be fetched. */
export interface Fetch extends WantedFile {
  /** Gives up this file alone. */
  readonly signal: AbortSignal;
  /** Told of the work on the disk when it begins; it ends soon after the signal fires. */
  readonly onBegin: (work: Promise<void>) => void;
  /** Told of the file once all of it is on this disk. */
  readonly onFetched: (file: FetchedFile) => void;
}

/** A file that lies whole beside its place. */
export interface FetchedFile extends WantedFile {
  readonly beside: Beside;
  /** Bytes of it that crossed the wire. */
  readonly received: number;
}

type Parts = Pick<
  Sync,
  'root' | 'snapshots' | 'state' | 'api' | 'cache' | 'device' | 'room' | 'report' | 'failures' | 'fetches'
>;

/**
 * Fetches the content of files, each into a file beside its place; the trees stay as they are. What concerns one file
 * is noted as its failure, and the others go on.
 */
export async function fetchFiles(
  sync: Parts,
  files: readonly Fetch[],
  { channel, signal }: { readonly channel: DownChannel; readonly signal: AbortSignal },
): Promise<void> {
  const source = new BlockSource(sync, files, channel);
  await source.prepare(files);
  const parents = rememberParents(sync.root);
  const others: Fetch[] = [];
  for (const group of batched(files, { most: TOGETHER })) {
    signal.throwIfAborted();
    others.push(...(await fetchTogether(sync, group, { source, parents })));
  }
  await each(others, { concurrency: CONCURRENT_FILES, signal }, async (file, either) => {
    if (file.signal.aborted) return;
    const work = sync.failures.attempt([file.path], () =>
      fetchFile(sync, file, { source, parents, signal: AbortSignal.any([either, file.signal]) }),
    );
    file.onBegin(work);
    await work.catch((error) => {
      if (!file.signal.aborted) throw error;
    });
  });
  // The files are tried again in any case.
  await source.report().catch(() => undefined);
}

interface From {
  readonly source: BlockSource;
  readonly parents: Parents;
}

/** Writes those files whose content came in answers, and answers the others. */
async function fetchTogether(sync: Parts, files: readonly Fetch[], from: From): Promise<Fetch[]> {
  const others: Fetch[] = [];
  const small: { readonly file: Fetch; readonly bytes: Uint8Array; readonly received: number }[] = [];
  for (const file of files) {
    const whole = await from.source.whole(file);
    if (whole) small.push({ file, ...whole });
    else others.push(file);
  }
  const wanted = small.filter(({ file }) => !file.signal.aborted);
  if (wanted.length === 0) return others;
  const work = writeSmall(sync, wanted, from.parents);
  for (const { file } of wanted) file.onBegin(work);
  await work;
  return others;
}

async function writeSmall(
  sync: Parts,
  files: readonly { readonly file: Fetch; readonly bytes: Uint8Array; readonly received: number }[],
  parents: Parents,
): Promise<void> {
  const ready: { readonly fetched: (typeof files)[number]; readonly target: SmallFile }[] = [];
  for (const fetched of files) {
    const { path, remote } = fetched.file;
    await sync.failures.attempt([path], async () => {
      const target = await targetOf(sync, fetched.file, parents);
      ready.push({ fetched, target: { ...target, mtime_ms: remote.mtime_ms, bytes: fetched.bytes } });
    });
  }
  const paths = ready.map(({ fetched }) => fetched.file.path);
  await sync.failures.attempt(paths, async () => {
    const bytes = ready.reduce((sum, { target }) => sum + target.bytes.length, 0);
    const written = await sync.room.promise(bytes);
    const besides = await writeTogether(ready.map(({ target }) => target)).finally(() => written(bytes));
    for (const [index, { fetched }] of ready.entries()) {
      const beside = besides[index]!;
      const { file, received } = fetched;
      const { path, remote } = file;
      if (beside.status === 'fulfilled') file.onFetched({ path, remote, beside: beside.value, received });
      else sync.failures.failEach([path], beside.reason);
    }
  });
}

/** Where the file goes. Throws `DiskChanged` when its directory is gone. */
async function targetOf(
  { root, state }: Parts,
  { path, remote }: WantedFile,
  parents: Parents,
): Promise<Omit<SmallFile, 'bytes' | 'mtime_ms'>> {
  const place = diskPath(root, path);
  if (!(await parents(path))) throw new DiskChanged(`the directory of ${path} is gone`);
  return { place, folderId: state.folderId, mode: arrivingMode(state.trees, path, remote) };
}

async function fetchFile(
  sync: Parts,
  file: Fetch,
  { source, parents, signal }: From & { readonly signal: AbortSignal },
): Promise<void> {
  const { path, remote } = file;
  const { mtime_ms, blocks } = remote;
  const target = { ...(await targetOf(sync, file, parents)), mtime_ms, blocks };
  file.onFetched({ path, remote, ...(await writeFetched(sync, file, target, { source, signal })) });
}
