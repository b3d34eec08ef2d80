import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { shardSchemas } from './shards.ts';

/** For this long a shard may be nowhere while a move switches; after that the operator has to finish the move. */
const SWITCH_MS = 5_000;
const LOOK_AGAIN_MS = 50;

/**
 * Which cluster holds which shard. The truth is in the clusters: a shard is where its schema has its name, and a move
 * takes that name away at the old place before the new one gets it. So this memory may be old without harm: whoever goes
 * to the old place finds nothing to read or write there, and looks again.
 */
export class ShardPlaces {
  readonly #pools: ReadonlyMap<string, Pool>;
  readonly #places: string[];

  /** @param guess the cluster of each shard when the service was new */
  constructor(pools: ReadonlyMap<string, Pool>, guess: (shard: number) => string) {
    this.#pools = pools;
    this.#places = shardSchemas.map((_, shard) => guess(shard));
  }

  clusterOf(shard: number): string {
    return this.#places[shard]!;
  }

  poolOf(shard: number): Pool {
    return this.#pools.get(this.clusterOf(shard))!;
  }

  /** Looks where the shard is now, and waits for a move that is just switching. False: it is nowhere. */
  async find(shard: number): Promise<boolean> {
    for (const until = Date.now() + SWITCH_MS; Date.now() < until; await sleep(LOOK_AGAIN_MS)) {
      if ((await this.look()).has(shard)) return true;
    }
    return false;
  }

  /** Asks every cluster for its shards, and answers the cluster of each. Throws when two clusters have the same one. */
  async look(): Promise<Map<number, string>> {
    const found = new Map<number, string>();
    for (const [cluster, pool] of this.#pools) {
      const { rows } = await pool.query<{ nspname: string }>(
        'select nspname from pg_catalog.pg_namespace where nspname = any($1)',
        [shardSchemas],
      );
      for (const shard of rows.map(({ nspname }) => shardSchemas.indexOf(nspname))) {
        const other = found.get(shard);
        if (other !== undefined) {
          throw new Error(
            `${shardSchemas[shard]} is on the clusters '${other}' and '${cluster}': one is a restored copy`,
          );
        }
        found.set(shard, cluster);
      }
    }
    for (const [shard, cluster] of found) this.#places[shard] = cluster;
    return found;
  }
}
