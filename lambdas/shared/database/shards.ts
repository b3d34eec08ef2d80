import { createHash } from 'node:crypto';
import * as z from 'zod';

const SHARDS = 64;

/** The name of a schema that belongs to one shard. */
export function numbered(name: string, shard: number): string {
  return `${name}_${String(shard).padStart(2, '0')}`;
}

/** All shard schemas, `shard_00` to `shard_63`. Statements take their schema from this list only. */
export const shardSchemas: readonly string[] = Array.from({ length: SHARDS }, (_, shard) => numbered('shard', shard));

/** What a shard's schema is called on the cluster that it has left, until it is removed there. */
export function leftSchema(shard: number): string {
  return numbered('left', shard);
}

/**
 * The shard of a user and of his namespace, fixed for ever: the first 4 bytes of SHA-256 of the lower-case UUID's text,
 * modulo 64.
 */
export function shardOf(id: string): number {
  return createHash('sha256').update(id.toLowerCase()).digest().readUInt32BE(0) % SHARDS;
}

const Range = z.tuple([z.int().min(0), z.int().max(SHARDS - 1)]);

/** Which cluster holds which shards (inclusive ranges), and which one the blocks. */
const ShardMap = z.object({
  clusters: z.record(z.string(), z.object({ host: z.string(), port: z.coerce.number().int() })),
  shards: z.record(z.string(), z.array(Range)),
  blocks: z.string(),
});
type ShardMap = z.infer<typeof ShardMap>;

/** Parses SHARD_MAP. Throws unless each of the 64 shards, and the blocks, lie on exactly one known cluster. */
export function parseShardMap(json: string): ShardMap & { clusterOf(shard: number): string } {
  const map = ShardMap.parse(JSON.parse(json));
  const clusters = shardSchemas.map((schema, shard) => {
    const holders = Object.entries(map.shards).filter(([, ranges]) =>
      ranges.some(([first, last]) => first <= shard && shard <= last),
    );
    if (holders.length !== 1) throw new Error(`SHARD_MAP names ${holders.length} clusters for ${schema}, not one`);
    return holders[0]![0];
  });
  for (const name of [...clusters, map.blocks]) {
    if (!map.clusters[name]) throw new Error(`SHARD_MAP has no host for cluster '${name}'`);
  }
  return { ...map, clusterOf: (shard) => clusters[shard]! };
}
