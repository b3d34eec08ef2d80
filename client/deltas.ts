import { encodeDelta } from '../codec/index.ts';
import { limits } from '../protocol/limits.ts';
import type { DeltaBase } from '../protocol/upload-init.ts';
import type { BlockCache } from './block-cache.ts';
import type { LocalEntry, RemoteEntry } from './tree.ts';

export interface Delta {
  readonly bytes: Uint8Array;
  readonly base: DeltaBase;
}

/** A delta this short is not worth a second attempt with the neighbours. */
const GOOD_ENOUGH_BYTES = 512;
/** A delta longer than this part of its block is not worth its work at the service. */
const WORTHWHILE = 0.7;

/** Where to read the content of this file's blocks, verified. */
export type ReadBlock = (index: number) => Promise<Uint8Array>;

/**
 * Deltas for those blocks of a changed file that its old version does not hold, by hash. The base is the old block at
 * the same place, or that with its neighbours, read from the cache of recently synced blocks; without them there is no
 * delta, and the block is sent whole.
 *
 * @param budget bytes of deltas to keep in memory; blocks beyond are sent whole
 */
export async function deltasFor(
  { path, local, remote }: { path: string; local: LocalEntry; remote: RemoteEntry },
  cache: BlockCache,
  read: ReadBlock,
  budget: number,
): Promise<Map<string, Delta>> {
  const deltas = new Map<string, Delta>();
  const old = new Set(remote.blocks.map(({ hash }) => hash));
  let left = budget;
  for (const [index, { hash, size }] of local.blocks.entries()) {
    if (old.has(hash) || deltas.has(hash) || left <= 0) continue;
    const delta = await bestDelta(remote, cache, index, () => read(index));
    if (!delta || delta.bytes.length > Math.min(size * WORTHWHILE, left, limits.deltaBodyBytes / 2)) continue;
    deltas.set(hash, { bytes: delta.bytes, base: { path, version: remote.version, ...delta.range } });
    left -= delta.bytes.length;
  }
  return deltas;
}

interface Range {
  readonly first: number;
  readonly count: number;
}

async function bestDelta(
  remote: RemoteEntry,
  cache: BlockCache,
  index: number,
  read: () => Promise<Uint8Array>,
): Promise<{ bytes: Uint8Array; range: Range } | undefined> {
  const last = remote.blocks.length - 1;
  const narrow = { first: index, count: 1 };
  const first = Math.max(0, index - 1);
  const wide = { first, count: Math.min(last, index + 1) - first + 1 };
  let best: { bytes: Uint8Array; range: Range } | undefined;
  for (const range of index <= last && wide.count > 1 ? [narrow, wide] : [wide]) {
    if (range.count < 1) continue;
    const base = await baseBytes(remote, cache, range);
    if (!base) continue;
    const bytes = encodeDelta(base, await read());
    if (!best || bytes.length < best.bytes.length) best = { bytes, range };
    if (bytes.length <= GOOD_ENOUGH_BYTES) break;
  }
  return best;
}

async function baseBytes(
  remote: RemoteEntry,
  cache: BlockCache,
  { first, count }: Range,
): Promise<Uint8Array | undefined> {
  const hashes = remote.blocks.slice(first, first + count).map(({ hash }) => hash);
  if (!hashes.every((hash) => cache.has(hash))) return undefined;
  const parts = await Promise.all(hashes.map((hash) => cache.get(hash)));
  return parts.every((part) => part !== undefined) ? Buffer.concat(parts) : undefined;
}
