import { open } from 'node:fs/promises';
import type { OldBlock, WantedBlock } from '../../codec/node/segment.ts';
import { limits } from '../../protocol/limits.ts';
import type { DeltaBase } from '../../protocol/upload-init.ts';
import { batched } from '../common/batched.ts';
import { DiskChanged } from '../disk/stamps.ts';
import { withOffsets } from '../plan/block-offsets.ts';
import { blockOrigins } from '../plan/block-origins.ts';
import type { LocalEntry, RemoteEntry } from '../plan/tree.ts';
import type { Sync } from './context.ts';
import { contentPlace } from './folder-blocks.ts';

export interface Delta {
  readonly bytes: Uint8Array;
  readonly base: DeltaBase;
}

/** Blocks that are encoded before the budget, and the time, are looked at. */
const BLOCKS_AT_A_TIME = 16;
/** What is not known to be saved by encoding yet counts as this part of what is to be encoded. */
const EXPECTED = 0.1;

/** What may be spent on deltas. */
export interface Effort {
  /** Bytes of deltas to keep in memory; blocks beyond are sent whole. */
  readonly bytes: number;
  /** Milliseconds that so many bytes take on the link, as far as that is known. */
  readonly onTheLink: (bytes: number) => number;
}

/**
 * Deltas for those blocks of a changed file that its old version does not hold, by hash. The base is the old block that
 * lay where the new one does, or that with its neighbours, from the cache of recently synced blocks, which has a sketch in
 * its place where the file was large; without them there is no delta, and the block is sent whole. A cached block that is
 * damaged yields a delta that the service refuses.
 * Encoding may take as long as it takes to send what it saves: on a fast link what is hard to encode is sent whole.
 *
 * @throws DiskChanged when the file does not hold these blocks any more, and what opening or reading it throws
 */
export async function deltasFor(
  { path, local, remote }: { path: string; local: LocalEntry; remote: RemoteEntry },
  { cache, pool, ...folder }: Pick<Sync, 'root' | 'snapshots' | 'cache' | 'pool'>,
  { bytes: budget, onTheLink }: Effort,
): Promise<Map<string, Delta>> {
  const old = new Map<number, OldBlock>();
  for (const [number, { hash }] of remote.blocks.entries()) {
    const place = cache.placeOf(hash);
    if (place) old.set(number, place);
  }
  const wanted = new Map<string, WantedBlock>();
  const blocks = withOffsets(local.blocks);
  for (const [number, from] of blockOrigins(local.blocks, remote.blocks)) {
    const { hash, offset, size } = blocks[number]!;
    if (!wanted.has(hash) && [from, from - 1, from + 1].some((near) => old.has(near)))
      wanted.set(hash, { offset, length: size, from });
  }

  const deltas = new Map<string, Delta>();
  if (wanted.size === 0 || local.kind !== 'file') return deltas;
  const file = await open(contentPlace(folder, path));
  try {
    let left = budget;
    let saved = EXPECTED * [...wanted.values()].reduce((sum, { length }) => sum + length, 0);
    const started = performance.now();
    for (const batch of batched(wanted, { most: BLOCKS_AT_A_TIME })) {
      if (left <= 0) break;
      const ranges = batch.map(([, range]) => range);
      for (const [index, { hash, delta }] of (await pool.blocksOf(file.fd, ranges, old)).entries()) {
        if (hash !== batch[index]![0]) throw new DiskChanged(`${path} changed while it was read`);
        if (!delta || delta.bytes.length > Math.min(left, limits.binaryBodyBytes / 2)) continue;
        const { bytes, first, count } = delta;
        if (count > limits.baseBlocksPerDelta) continue;
        deltas.set(hash, { bytes, base: { path, version: remote.version, first, count } });
        left -= bytes.length;
        saved += wanted.get(hash)!.length - bytes.length;
      }
      if (performance.now() - started > onTheLink(saved)) break;
    }
  } finally {
    await file.close();
  }
  return deltas;
}
