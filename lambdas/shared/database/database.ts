/* Connections to PostgreSQL, transactions, and where each shard is. */

import { Signer } from '@aws-sdk/rds-signer';
import { type ClientBase, Pool, type PoolClient, type PoolConfig, types } from 'pg';
import { Refusal } from '../answers/errors.ts';
import { once, requireEnv } from '../runtime/env.ts';
import { isAbsent, isTransient } from './database-errors.ts';
import type { Database, Shard } from './rows.ts';
import { ShardPlaces } from './shard-places.ts';
import { parseShardMap, shardOf, shardSchemas } from './shards.ts';

/** The global blocks and the shards: two handles that never share a transaction. */
export interface Databases {
  readonly blocks: Database;
  readonly shards: readonly Shard<Database>[];
  /** @param id of a namespace or a user */
  shardOf(id: string): Shard<Database>;
}

const INT8 = 20;
const ATTEMPTS = 3;
/** Type parsers of every pool: bigint columns as numbers; none of ours exceeds 2^53. */
export const typeParsers = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
};

/** All clusters of the shard map, with what lies on them. */
export interface Clusters extends Databases {
  readonly pools: ReadonlyMap<string, Pool>;
  readonly places: ShardPlaces;
  /** Name of the cluster that holds the blocks. */
  readonly blocksCluster: string;
}

/**
 * Connects as the environment says: an IAM token as password, TLS verified, at most two connections per cluster.
 * @param statementMs bound of each statement. @default - the cluster's own, which is right for requests
 */
export function connectClusters(statementMs?: number): Clusters {
  const map = parseShardMap(requireEnv('SHARD_MAP'));
  const pools = new Map(Object.entries(map.clusters).map(([name, cluster]) => [name, poolOf(cluster, statementMs)]));
  const places = new ShardPlaces(pools, map.clusterOf);
  const blocks = pools.get(map.blocks)!;
  return {
    pools,
    places,
    blocksCluster: map.blocks,
    ...databasesOf(blocks, (shard) => databaseOf(places, shard)),
  };
}

export const databases = once((): Databases => connectClusters());

export function databasesOf(blocks: Database, poolOfShard: (shard: number) => Database): Databases {
  const shards = shardSchemas.map((schema, number) => ({ number, schema, sql: poolOfShard(number) }));
  return { blocks, shards, shardOf: (id) => shards[shardOf(id)]! };
}

/** Leads to wherever the shard is. */
function databaseOf(places: ShardPlaces, shard: number): Database {
  const follow = async (error: unknown): Promise<boolean> => {
    if (!isAbsent(error)) return false;
    if (await places.find(shard)) return true;
    const message = `shard ${shard} is being moved to another cluster: try again in a moment`;
    throw new Refusal('unavailable', message, undefined, { cause: error });
  };
  const query = (...statement: unknown[]) => {
    const pool = places.poolOf(shard);
    return (pool.query as (...statement: unknown[]) => Promise<unknown>)(...statement);
  };
  return {
    query: ((...statement: unknown[]) => retried(() => query(...statement), follow)) as Pool['query'],
    connect: () => places.poolOf(shard).connect(),
    follow,
  };
}

/** How a function connects. RDS Proxy refuses connections whose start names settings: those are the cluster's own. */
export function connectionOf({ host, port }: { host: string; port: number }): PoolConfig {
  const user = requireEnv('DATABASE_USER');
  const signer = new Signer({ hostname: host, port, username: user });
  return {
    host,
    port,
    user,
    database: requireEnv('DATABASE_NAME'),
    password: () => signer.getAuthToken(),
    ssl: true,
    max: 2,
    connectionTimeoutMillis: 8_000,
    types: typeParsers,
  };
}

/**
 * A pool for one cluster of the shard map. Its single statements run again like transactions, so they too must change
 * nothing the second time. A bound of its own makes a proxy keep the connection for it, until it is closed.
 */
function poolOf(cluster: { host: string; port: number }, statementMs?: number): Pool {
  const bound = async (sql: ClientBase): Promise<void> => {
    await sql.query(`set statement_timeout = ${statementMs}`);
  };
  const pool = new Pool({ ...connectionOf(cluster), ...(statementMs !== undefined && { onConnect: bound }) });
  // An idle connection may die while the function is frozen; the next statement gets a new one.
  pool.on('error', () => {});
  const query = pool.query.bind(pool) as (...statement: unknown[]) => Promise<unknown>;
  pool.query = ((...statement: unknown[]) => retried(() => query(...statement), isTransient)) as Pool['query'];
  return pool;
}

/**
 * Runs `work` in one transaction. Runs it again when the connection was dead, when PostgreSQL asks for it (deadlock,
 * serialization), or when the shard has moved; therefore `work` must do nothing else, and a transaction that committed
 * although its answer was lost must change nothing the second time.
 */
export async function transaction<T>(
  database: Database,
  work: (sql: PoolClient) => Promise<T>,
  isolation: 'read committed' | 'repeatable read' = 'read committed',
): Promise<T> {
  const run = async () => {
    const sql = await database.connect();
    let broken: Error | undefined;
    try {
      await sql.query(`begin isolation level ${isolation}`);
      const result = await work(sql);
      await sql.query('commit');
      return result;
    } catch (error) {
      await sql.query('rollback').catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      sql.release(broken);
    }
  };
  return await retried(run, async (error) => isTransient(error) || (await database.follow?.(error)) === true);
}

/** Runs `work` on these rows, as `transaction`. */
export async function within<R extends Shard<Database>, T>(
  rows: R,
  work: (rows: Omit<R, 'sql'> & { readonly sql: PoolClient }) => Promise<T>,
  isolation?: 'repeatable read',
): Promise<T> {
  return await transaction(rows.sql, (sql) => work({ ...rows, sql }), isolation);
}

/** Repeats a call that failed in a way that allows it; at most three attempts. */
async function retried<T>(
  call: () => Promise<T>,
  mayRepeat: (error: unknown) => boolean | Promise<boolean>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt === ATTEMPTS || !(await mayRepeat(error))) throw error;
    }
  }
}
