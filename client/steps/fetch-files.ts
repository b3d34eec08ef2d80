import type { FileHandle } from 'node:fs/promises';
import { each } from '../common/each.ts';
import { demandParents, diskPath } from '../disk/paths.ts';
import { DiskChanged } from '../disk/stamps.ts';
import { type Beside, writeBeside, writeSparsely } from '../disk/write-file.ts';
import { trackProgress } from '../output/progress.ts';
import { withOffsets } from '../plan/block-offsets.ts';
import { arrivingMode } from '../plan/tree.ts';
import type { DownChannel } from './channels.ts';
import type { Sync } from './context.ts';
import { BlockSource, type WantedFile } from './fetch-blocks.ts';

const CONCURRENT_FILES = 8;
/** Blocks of one file that are on their way to the disk at a time. */
const CONCURRENT_BLOCKS = 8;

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
  await each(files, { concurrency: CONCURRENT_FILES, signal }, async (file, either) => {
    if (file.signal.aborted) return;
    const work = sync.failures.attempt([file.path], () =>
      fetchFile(sync, file, source, AbortSignal.any([either, file.signal])),
    );
    file.onBegin(work);
    await work.catch((error) => {
      if (!file.signal.aborted) throw error;
    });
  });
  // The files are tried again in any case.
  await source.report().catch(() => undefined);
}

async function fetchFile(sync: Parts, file: Fetch, source: BlockSource, signal: AbortSignal): Promise<void> {
  const { path, remote } = file;
  const { root, state } = sync;
  if (!(await demandParents(root, path))) throw new DiskChanged(`the directory of ${path} is gone`);
  const written = await sync.room.promise(remote.size);
  let [received, left] = [0, remote.size];
  const fill = async (handle: FileHandle): Promise<void> => {
    const progress = trackProgress(sync.report, path, remote.size);
    const blocks = withOffsets(remote.blocks).entries();
    await each(blocks, { concurrency: CONCURRENT_BLOCKS, signal }, async ([index, { hash, offset }], either) => {
      const block = await source.block(file, index, either);
      await writeSparsely(handle, block.bytes, offset);
      if (!block.isSmall) await sync.cache.put(hash, block.bytes);
      received += block.received;
      left -= block.bytes.length;
      written(block.bytes.length);
      progress(block.bytes.length);
    });
  };
  const { mtime_ms, blocks } = remote;
  const mode = arrivingMode(state.trees, path, remote);
  const target = { place: diskPath(root, path), folderId: state.folderId, mode, mtime_ms, blocks };
  try {
    file.onFetched({ path, remote, beside: await writeBeside(target, fill), received });
  } finally {
    written(left);
  }
}
