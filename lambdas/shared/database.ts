import { Signer } from '@aws-sdk/rds-signer';
import { Pool, type PoolClient, types } from 'pg';
import { isTransient } from './database-errors.ts';
import { once, requireEnv } from './env.ts';
import { parseShardMap, shardOf, shardSchemas } from './shards.ts';

/** One user's rows: the database that holds the shard, and the schema that every statement names. */
export interface Shard {
  readonly number: number;
  readonly pool: Pool;
  readonly schema: string;
}

/** The global blocks and the shards: two handles that never share a transaction. */
export interface Databases {
  readonly blocks: Pool;
  readonly shards: readonly Shard[];
  shardOf(userId: string): Shard;
}

const INT8 = 20;
const ATTEMPTS = 3;
/** Under the shortest function timeout that waits for it (10 s), so that the caller gets an answer. */
const STATEMENT_MS = 8_000;

/** Type parsers of every pool: bigint columns as numbers; none of ours exceeds 2^53. */
export const typeParsers = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
};

/** Connects as the environment says: an IAM token as password, TLS verified, at most two connections per cluster. */
export const databases = once((): Databases => {
  const map = parseShardMap(requireEnv('SHARD_MAP'));
  const pools = new Map(Object.entries(map.clusters).map(([name, cluster]) => [name, poolOf(cluster, STATEMENT_MS)]));
  return databasesOf(pools.get(map.blocks)!, (shard) => pools.get(map.clusterOf(shard))!);
});

export function databasesOf(blocks: Pool, poolOfShard: (shard: number) => Pool): Databases {
  const shards = shardSchemas.map((schema, number) => ({ number, schema, pool: poolOfShard(number) }));
  return { blocks, shards, shardOf: (userId) => shards[shardOf(userId)]! };
}

/**
 * A pool for one cluster of the shard map. Its single statements run again like transactions, so they too must change
 * nothing the second time.
 * @param statementMs bound of each statement
 */
export function poolOf({ host, port }: { host: string; port: number }, statementMs: number): Pool {
  const user = requireEnv('DATABASE_USER');
  const signer = new Signer({ hostname: host, port, username: user });
  const pool = new Pool({
    host,
    port,
    user,
    database: requireEnv('DATABASE_NAME'),
    password: () => signer.getAuthToken(),
    ssl: true,
    max: 2,
    connectionTimeoutMillis: 8_000,
    statement_timeout: statementMs,
    types: typeParsers,
  });
  // An idle connection may die while the function is frozen; the next statement gets a new one.
  pool.on('error', () => {});
  const query = pool.query.bind(pool) as (...statement: unknown[]) => Promise<unknown>;
  pool.query = ((...statement: unknown[]) => retried(() => query(...statement))) as Pool['query'];
  return pool;
}

/**
 * Runs `work` in one transaction. Runs it again when the connection was dead, or when PostgreSQL asks for it (deadlock,
 * serialization); therefore `work` must do nothing else, and a transaction that committed although its answer was lost
 * must change nothing the second time.
 */
export async function transaction<T>(
  pool: Pool,
  work: (sql: PoolClient) => Promise<T>,
  isolation: 'read committed' | 'repeatable read' = 'read committed',
): Promise<T> {
  return await retried(async () => {
    const sql = await pool.connect();
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
  });
}

/** Repeats a call that failed for a dead connection, a deadlock or a serialization failure; at most three attempts. */
async function retried<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt === ATTEMPTS || !isTransient(error)) throw error;
    }
  }
}
