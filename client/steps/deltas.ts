import { open } from 'node:fs/promises';
import type { OldBlock } from '../../codec/node/segment.ts';
import { limits } from '../../protocol/limits.ts';
import type { DeltaBase } from '../../protocol/upload-init.ts';
import { batched } from '../common/batched.ts';
import { DiskChanged } from '../disk/stamps.ts';
import type { LocalEntry, RemoteEntry } from '../plan/tree.ts';
import type { Sync } from './context.ts';
import { contentPlace } from './folder-blocks.ts';

export interface Delta {
  readonly bytes: Uint8Array;
  readonly base: DeltaBase;
}

/** Blocks that are encoded before the budget is looked at. */
const BLOCKS_AT_A_TIME = 16;

/**
 * Deltas for those blocks of a changed file that its old version does not hold, by hash. The base is the old block at
 * the same place, or that with its neighbours, from the cache of recently synced blocks; without them there is no delta,
 * and the block is sent whole. A cached block that is damaged yields a delta that the service refuses.
 *
 * @param budget bytes of deltas to keep in memory; blocks beyond are sent whole
 * @throws DiskChanged when the file does not hold these blocks any more, and what opening or reading it throws
 */
export async function deltasFor(
  { path, local, remote }: { path: string; local: LocalEntry; remote: RemoteEntry },
  { cache, pool, ...folder }: Pick<Sync, 'root' | 'snapshots' | 'cache' | 'pool'>,
  budget: number,
): Promise<Map<string, Delta>> {
  const old = new Map<number, OldBlock>();
  for (const [number, { hash }] of remote.blocks.entries()) {
    const place = cache.placeOf(hash);
    if (place) old.set(number, place);
  }
  const seen = new Set(remote.blocks.map(({ hash }) => hash));
  const wanted: number[] = [];
  for (const [number, { hash }] of local.blocks.entries()) {
    if (!seen.has(hash) && (old.has(number) || old.has(number - 1))) wanted.push(number);
    seen.add(hash);
  }

  const deltas = new Map<string, Delta>();
  if (wanted.length === 0) return deltas;
  const file = await open(contentPlace(folder, path));
  try {
    let left = budget;
    for (const numbers of batched(wanted, { most: BLOCKS_AT_A_TIME })) {
      if (left <= 0) break;
      const blocks = await pool.blocksOf(file.fd, numbers, old);
      for (const [index, { hash, delta }] of blocks.entries()) {
        if (hash !== local.blocks[numbers[index]!]!.hash) throw new DiskChanged(`${path} changed while it was read`);
        if (!delta || delta.bytes.length > Math.min(left, limits.binaryBodyBytes / 2)) continue;
        const { bytes, first, count } = delta;
        deltas.set(hash, { bytes, base: { path, version: remote.version, first, count } });
        left -= bytes.length;
      }
    }
  } finally {
    await file.close();
  }
  return deltas;
}
