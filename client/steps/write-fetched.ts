import type { FileHandle } from 'node:fs/promises';
import { each } from '../common/each.ts';
import { FileRefused } from '../common/errors.ts';
import { isUnchanged } from '../disk/stamps.ts';
import { type Beside, type Target, writeAll, writeBeside, writeSparsely } from '../disk/write-file.ts';
import { trackProgress } from '../output/progress.ts';
import { withOffsets } from '../plan/block-offsets.ts';
import type { Sync } from './context.ts';
import type { BlockSource, WantedFile } from './fetch-blocks.ts';

/** Blocks of one file that are on their way to the disk at a time. */
const CONCURRENT_BLOCKS = 8;
/** The old file is copied for the blocks that it has where they belong, if they are this much of it. */
const WORTH_COPYING = 0.5;

type Parts = Pick<Sync, 'state' | 'cache' | 'room' | 'report'>;

/** The old file at the place, and by number the blocks of the new one that it has where they belong. */
interface Base {
  readonly place: string;
  readonly has: ReadonlySet<number>;
}

/**
 * Writes a file beside its place, block by block. Where much of the old file stays as it is, a copy of that is changed:
 * it is read back as a whole, like any file, and what was another than it seemed is written anew.
 * @returns the file, and the bytes of it that crossed the wire
 */
export async function writeFetched(
  sync: Parts,
  file: WantedFile,
  target: Target,
  { source, signal }: { readonly source: Pick<BlockSource, 'block'>; readonly signal: AbortSignal },
): Promise<{ readonly beside: Beside; readonly received: number }> {
  const base = findBase(sync, file, target.place);
  const write = async (base?: Base): Promise<{ beside: Beside; received: number }> => {
    const { size } = file.remote;
    const written = await sync.room.promise(size);
    let [received, left] = [0, size];
    const done = (bytes: number): void => {
      left -= bytes;
      written(bytes);
    };
    const fill = async (handle: FileHandle): Promise<void> => {
      const progress = trackProgress(sync.report, file.path, size);
      const pieces = withOffsets(target.blocks).entries();
      await each(pieces, { concurrency: CONCURRENT_BLOCKS, signal }, async ([index, piece], either) => {
        if (!base?.has.has(index)) {
          const block = await source.block(file, index, either);
          await (base ? writeAll : writeSparsely)(handle, block.bytes, piece.offset);
          if (!block.isSmall) await sync.cache.put(piece.hash, block.bytes);
          received += block.received;
        }
        done(piece.size);
        progress(piece.size);
      });
    };
    try {
      return { beside: await writeBeside(target, fill, base?.place), received };
    } finally {
      written(left);
    }
  };
  if (!base) return write();
  try {
    return await write(base);
  } catch (error) {
    if (!(error instanceof FileRefused) || error.code !== 'local') throw error;
    return await write();
  }
}

function findBase({ state }: Parts, { path, remote }: WantedFile, place: string): Base | undefined {
  const old = state.trees.local.get(path);
  if (!old?.hint || !isUnchanged(place, old.hint)) return undefined;
  const there = new Map(withOffsets(old.blocks).map((block) => [block.offset, block]));
  const has = new Set<number>();
  let bytes = 0;
  for (const [index, { offset, hash, size }] of withOffsets(remote.blocks).entries()) {
    if (there.get(offset)?.hash !== hash) continue;
    has.add(index);
    bytes += size;
  }
  return bytes > 0 && bytes >= WORTH_COPYING * old.size ? { place, has } : undefined;
}
