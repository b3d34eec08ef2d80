import type { Namespace } from '../shared/database/rows.ts';
import { findDeltas, type KeptDelta } from '../shared/tables/deltas.ts';

/** Deltas that make one block, each of what the one before made; a statement looks for each. */
const MOST_STEPS = 8;

/**
 * The deltas that made these blocks, as far as they are kept. Where a device is several versions behind, and all of them
 * together are smaller than the block, also those that made what they are made of, down to blocks that it has.
 * @param wanted sizes by hash
 * @param has blocks of the versions that the device names as its own; none for one that names no version
 */
export async function findChains(
  namespace: Namespace,
  wanted: ReadonlyMap<string, number>,
  has: ReadonlySet<string>,
): Promise<KeptDelta[]> {
  const first = await findDeltas(namespace, [...wanted.keys()]);
  if (has.size === 0) return first;
  const known = new Map(first.map((delta) => [delta.hash, delta]));
  let next = first;
  for (let step = 1; step < MOST_STEPS; step++) {
    const lacking = new Set(next.flatMap(({ base }) => base).filter((hash) => !has.has(hash) && !known.has(hash)));
    next = await findDeltas(namespace, [...lacking]);
    for (const delta of next) known.set(delta.hash, delta);
  }
  const chosen = new Set(first);
  for (const { hash } of first) {
    const chain = chainOf(hash, known, has);
    const bytes = chain?.reduce((sum, { encoded }) => sum + encoded.length, 0) ?? Number.POSITIVE_INFINITY;
    if (bytes < wanted.get(hash)!) for (const delta of chain!) chosen.add(delta);
  }
  return [...chosen];
}

/** The deltas by which a block is made of blocks that are there; `undefined` where one is missing. */
function chainOf(
  hash: string,
  known: ReadonlyMap<string, KeptDelta>,
  has: ReadonlySet<string>,
): KeptDelta[] | undefined {
  const chain = new Set<KeptDelta>();
  const lacking = [hash];
  for (const each of lacking) {
    if (has.has(each)) continue;
    const delta = known.get(each);
    if (!delta) return undefined;
    if (!chain.has(delta)) lacking.push(...delta.base);
    chain.add(delta);
  }
  return [...chain];
}
