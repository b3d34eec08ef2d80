import type { DeltaBase } from '../../protocol/upload-init.ts';
import { readBlock } from '../shared/block-store.ts';
import type { Shard } from '../shared/database.ts';
import { toHexes } from '../shared/ids.ts';
import { findVersions } from '../shared/tables/versions.ts';

type Base = ReturnType<typeof DeltaBase.parse>;

export interface BaseReader {
  /** The neighbouring blocks of the base in one piece, or nothing where the version does not have them. */
  read(base: Base): Promise<Uint8Array | undefined>;
}

/** Looks up all bases at once; each block is fetched at most once per call. */
export async function openBases(shard: Shard, userId: string, deltas: readonly { base: Base }[]): Promise<BaseReader> {
  const keyOf = ({ path, version }: Base) => `${version} ${path}`;
  const names = new Map(deltas.map(({ base }) => [keyOf(base), base]));
  const versions = await findVersions(shard.pool, shard, userId, [...names.values()]);
  const hashes = new Map([...names.keys()].map((key, index) => [key, toHexes(versions[index]?.block_hashes ?? [])]));
  const fetched = new Map<string, Promise<Uint8Array>>();
  const fetchOnce = (hash: string) => {
    const block = fetched.get(hash) ?? readBlock(hash);
    fetched.set(hash, block);
    return block;
  };
  return {
    async read(base) {
      const wanted = hashes.get(keyOf(base))!.slice(base.first, base.first + base.count);
      if (wanted.length < base.count) return undefined;
      const blocks = await Promise.all(wanted.map(fetchOnce));
      return blocks.length === 1 ? blocks[0] : Buffer.concat(blocks);
    },
  };
}
