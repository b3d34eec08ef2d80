import { limits } from '../../protocol/limits.ts';
import type { DeltaBase } from '../../protocol/upload-init.ts';
import { quarantine, readContent } from '../shared/commit/quarantine.ts';
import { toHexes } from '../shared/database/ids.ts';
import type { Database, Namespace } from '../shared/database/rows.ts';
import { readBlock } from '../shared/store/block-store.ts';
import { findContents } from '../shared/tables/contents.ts';
import { findVersions } from '../shared/tables/versions.ts';

type Base = ReturnType<typeof DeltaBase.parse>;

export interface BaseReader {
  /** The neighbouring blocks of the base in one piece, or nothing where the version or the store does not have them. */
  read(base: Base): Promise<Uint8Array | undefined>;
  /** Those of its blocks that the version has. */
  hashes(base: Base): string[];
  /** Bytes of these. */
  size(base: Base): number;
}

/** Blocks of 4 MiB kept for the next deltas, whose bases are often the neighbours; of the function's 1,769 MB. */
const KEPT_BLOCKS = 48;

/** Looks up all bases at once; a block that several deltas near each other need is fetched once. */
export async function openBases(
  blocks: Database,
  namespace: Namespace,
  deltas: readonly { base: Base }[],
): Promise<BaseReader> {
  const keyOf = ({ path, version }: Base) => `${version} ${path}`;
  const names = new Map(deltas.map(({ base }) => [keyOf(base), base]));
  const versions = await findVersions(namespace, [...names.values()]);
  const hashes = new Map([...names.keys()].map((key, index) => [key, toHexes(versions[index]?.block_hashes ?? [])]));
  const sizes = new Map([...names.keys()].map((key, index) => [key, versions[index]?.block_sizes ?? []]));
  const rangeOf = <Item>(base: Base, items: ReadonlyMap<string, Item[]>) =>
    items.get(keyOf(base))!.slice(base.first, base.first + base.count);
  const sizeOf = new Map(
    deltas.flatMap(({ base }) => rangeOf(base, hashes).map((hash, index) => [hash, rangeOf(base, sizes)[index]!])),
  );
  const small = [...sizeOf].flatMap(([hash, size]) => (size <= limits.smallBytes ? [hash] : []));
  const contents = await findContents(blocks, namespace.id, small);
  const kept = new Map<string, Promise<Uint8Array | undefined>>();
  const fetch = async (hash: string) => {
    const content = contents.get(hash);
    if (content) return await readContent(blocks, content, sizeOf.get(hash)!);
    const block = await readBlock(hash);
    if (!block) await quarantine(blocks, hash, undefined);
    return block?.content;
  };
  const fetchOnce = (hash: string) => {
    const block = kept.get(hash) ?? fetch(hash);
    // A map keeps the order of insertion: the first is the one that was not asked for the longest.
    kept.delete(hash);
    kept.set(hash, block);
    if (kept.size > KEPT_BLOCKS) kept.delete(kept.keys().next().value!);
    return block;
  };
  return {
    hashes: (base) => rangeOf(base, hashes),
    size(base) {
      return rangeOf(base, sizes).reduce((sum, size) => sum + size, 0);
    },
    async read(base) {
      const wanted = rangeOf(base, hashes);
      if (wanted.length < base.count) return undefined;
      const found = (await Promise.all(wanted.map(fetchOnce))).filter((block) => block !== undefined);
      if (found.length < base.count) return undefined;
      return found.length === 1 ? found[0] : Buffer.concat(found);
    },
  };
}
