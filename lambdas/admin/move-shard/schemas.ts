import type { Database } from '../../shared/database/rows.ts';
import { leftSchema, numbered, shardSchemas } from '../../shared/database/shards.ts';

/**
 * What the schemas of a shard are called in the course of a move; each name also says how far the move has come.
 * Source: live + moving, then left + moving, then none. Target: arriving, then live.
 */
export interface Schemas {
  /** The shard as everybody finds it. */
  readonly live: string;
  /** On the target: the copy, not yet complete. */
  readonly arriving: string;
  /** On the source: what changed since the copy began, and how far the copy is. */
  readonly moving: string;
  /** On the source: the shard, closed for good. */
  readonly left: string;
}

export function schemasOf(shard: number): Schemas {
  return {
    live: shardSchemas[shard]!,
    arriving: numbered('arriving', shard),
    moving: numbered('moving', shard),
    left: leftSchema(shard),
  };
}

/** Which clusters have a schema of each name. */
export type Places = { readonly [Name in keyof Schemas]: readonly string[] };

export async function findSchemas(pools: ReadonlyMap<string, Database>, shard: number): Promise<Places> {
  const names = schemasOf(shard);
  const places = { live: [], arriving: [], moving: [], left: [] } as { [Name in keyof Schemas]: string[] };
  for (const [cluster, pool] of pools) {
    const { rows } = await pool.query<{ nspname: string }>(
      'select nspname from pg_catalog.pg_namespace where nspname = any($1)',
      [Object.values(names)],
    );
    const here = new Set(rows.map(({ nspname }) => nspname));
    for (const name of Object.keys(names) as (keyof Schemas)[]) if (here.has(names[name])) places[name].push(cluster);
  }
  return places;
}
