import { type FileHandle, open } from 'node:fs/promises';
import { each } from '../common/each.ts';
import { FileRefused } from '../common/errors.ts';
import { SKETCHED_FILE_BYTES } from '../disk/block-cache.ts';
import { diskPath, type Parents } from '../disk/paths.ts';
import { readAt } from '../disk/read-at.ts';
import { DiskChanged, hintOf, isUnchanged } from '../disk/stamps.ts';
import { type Beside, type Target, type Unverified, writeAll, writeBeside, writeSparsely } from '../disk/write-file.ts';
import { trackProgress } from '../output/progress.ts';
import { withOffsets } from '../plan/block-offsets.ts';
import { arrivingMode } from '../plan/tree.ts';
import { BlockRooms } from './block-rooms.ts';
import type { Sync } from './context.ts';
import type { BlockSource } from './fetch-blocks.ts';
import type { WantedFile } from './lacking.ts';

/** Blocks of one file that are on their way to the disk at a time. */
const CONCURRENT_BLOCKS = 8;
/** The old file is copied for the blocks that stay where they are, if they are this much of it. */
const WORTH_COPYING = 0.5;

type Sinks = Pick<Sync, 'state' | 'cache' | 'room' | 'report' | 'pool'>;

/** Where a file goes. Throws `DiskChanged` when its directory is gone. */
export function targetOf(
  { root, state }: Pick<Sync, 'root' | 'state'>,
  { path, remote }: WantedFile,
  parents: Parents,
): Pick<Target, 'place' | 'folderId' | 'mode'> {
  const place = diskPath(root, path);
  if (!parents(path)) throw new DiskChanged(`the directory of ${path} is gone`);
  return { place, folderId: state.folderId, mode: arrivingMode(state.trees, path, remote) };
}

/** The old file at the place, as it was when it was last looked at. */
interface Base {
  readonly place: string;
  readonly file: FileHandle;
  /** Where it has blocks of the new file, by their numbers. */
  readonly offsets: ReadonlyMap<number, number>;
  /** Whether the new file begins as a copy of it: much of it stays where it is. */
  readonly isCopied: boolean;
}

interface From {
  readonly source: Pick<BlockSource, 'block'>;
  readonly signal: AbortSignal;
  /** The numbers of all blocks, in the order in which they can be had; as they lie unless given. */
  readonly numbers?: (signal: AbortSignal) => AsyncIterable<number>;
}

/** A file beside its place, and the bytes of it that crossed the wire. */
export interface Written {
  readonly beside: Beside;
  readonly received: number;
}

/**
 * Writes a file beside its place, block by block. What the old file there has of it is taken from that without being
 * hashed first, and stays where it is in a copy if that is much. All is read back as a whole, like any file, and where
 * the old file was another than it seemed, the new one is written anew. Of a large file that is new here nothing is hashed
 * before that: what arrived damaged is fetched again then. The cache gets sketches of it, others have all they brought kept.
 */
export async function writeFetched(sync: Sinks, file: WantedFile, target: Target, from: From): Promise<Written> {
  const base = await findBase(sync, file, target.place);
  if (!base) return write(sync, file, target, from);
  try {
    return await write(sync, file, target, from, base);
  } catch (error) {
    if (!(error instanceof FileRefused) || error.code !== 'local') throw error;
    return await write(sync, file, target, from);
  } finally {
    await base.file.close();
  }
}

async function write(
  sync: Sinks,
  file: WantedFile,
  target: Target,
  { source, signal, numbers }: From,
  base?: Base,
): Promise<Written> {
  const { size } = file.remote;
  const written = await sync.room.promise(size);
  const rooms = new BlockRooms();
  const isNewAndLarge = base === undefined && size > SKETCHED_FILE_BYTES;
  const pieces = withOffsets(target.blocks);
  await sync.cache.edited(sync.state.trees.local.get(file.path)?.blocks ?? [], target.blocks);
  let [received, left] = [0, size];
  const put = (handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> =>
    (base?.isCopied ? writeAll : writeSparsely)(handle, bytes, offset);
  const fetch = (handle: FileHandle, index: number, either: AbortSignal, isVerifiedLater: boolean): Promise<void> =>
    rooms.lend(async (room) => {
      const { hash, offset } = pieces[index]!;
      const block = await source.block(file, index, either, room, isVerifiedLater);
      await put(handle, block.bytes, offset);
      if (!isNewAndLarge && !block.isSmall) await sync.cache.put(hash, block.bytes);
      received += block.received;
    });
  const fill = async (handle: FileHandle, onWritten: (number: number) => void): Promise<void> => {
    const progress = trackProgress(sync.report, file.path, size, { side: 'local' });
    await each(numbers ?? pieces.keys(), { concurrency: CONCURRENT_BLOCKS, signal }, async (index, either) => {
      const piece = pieces[index]!;
      const old = base?.offsets.get(index);
      const isThere = base?.isCopied === true && old === piece.offset;
      if (!isThere) {
        if (base && old !== undefined) {
          await rooms.lend(async (room) => put(handle, await readAt(base.file, old, piece.size, room), piece.offset));
        } else await fetch(handle, index, either, isNewAndLarge);
        onWritten(index);
      }
      left -= piece.size;
      written(piece.size);
      progress(piece.size);
    });
  };
  const unverified: Unverified = {
    mend: (handle, missing) =>
      each(missing, { concurrency: CONCURRENT_BLOCKS, signal }, (index, either) => fetch(handle, index, either, false)),
    onSketch: (...sketch) => sync.cache.putSketch(...sketch),
  };
  try {
    const options = {
      pool: sync.pool,
      ...(base?.isCopied && { base: base.place }),
      ...(isNewAndLarge && { unverified }),
    };
    return { beside: await writeBeside(target, fill, options), received };
  } finally {
    written(left);
  }
}

async function findBase({ state }: Sinks, { path, remote }: WantedFile, place: string): Promise<Base | undefined> {
  const old = state.trees.local.get(path);
  if (old?.kind !== 'file' || !old.hint) return undefined;
  const blocks = withOffsets(old.blocks);
  const anywhere = new Map(blocks.map(({ hash, offset }) => [hash, offset]));
  const there = new Set(blocks.map(({ hash, offset }) => `${hash} ${offset}`));
  const offsets = new Map<number, number>();
  let staying = 0;
  for (const [index, { offset, hash, size }] of withOffsets(remote.blocks).entries()) {
    const stays = there.has(`${hash} ${offset}`);
    const from = stays ? offset : anywhere.get(hash);
    if (from !== undefined) offsets.set(index, from);
    if (stays) staying += size;
  }
  const file = offsets.size > 0 ? await openUnchanged(place, old.hint) : undefined;
  return file && { place, file, offsets, isCopied: staying > 0 && staying >= WORTH_COPYING * old.size };
}

/** The file at a place, if it is the one with this hint. */
async function openUnchanged(place: string, hint: string): Promise<FileHandle | undefined> {
  if (!isUnchanged(place, hint)) return undefined;
  const file = await open(place, 'r').catch(() => undefined);
  if (file && hintOf(await file.stat({ bigint: true })) === hint) return file;
  await file?.close();
  return undefined;
}
