import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Pool } from 'pg';
import { type Databases, databasesOf, typeParsers } from '../../lambdas/shared/database/database.ts';
import { shardSchemas } from '../../lambdas/shared/database/shards.ts';
import { migrateSchema } from '../../lambdas/shared/migrations/migrate-schema.ts';
import { readMigrations } from '../../lambdas/shared/migrations/read.ts';
import { comesBy } from '../../lambdas/shared/runtime/request.ts';
import { type Postgres, startPostgres } from '../../local/aws/postgres/server.ts';
import { scratch } from '../../test/support/scratch.ts';

/** The service's metadata on one PostgreSQL server with durable commits: 64 shards and the blocks. */
export interface Metadata {
  readonly databases: Databases;
  /** As many connections as the busiest benchmark has workers, for both handles. */
  readonly pool: Pool;
  readonly version: string;
  stop(): Promise<void>;
}

const migrations = join(import.meta.dirname, '../../migrations');
export const shardMigrations = readMigrations(join(migrations, 'shard'));
export const blocksMigrations = readMigrations(join(migrations, 'blocks'));

/** A server with durable commits and no tables, and connections of its superuser. */
export async function startServer(): Promise<Pick<Postgres, 'pool' | 'superuser' | 'stop'>> {
  const folder = await scratch('tidemark-bench-');
  const { pool, superuser, ...postgres } = await startPostgres(folder, () => {});
  await pool.query('create role tidemark_app');
  return {
    pool,
    superuser,
    async stop() {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** @param connections at most so many at once */
export async function startMetadata(connections: number): Promise<Metadata> {
  const server = await startServer();
  const pool = new Pool({ ...server.superuser, database: 'postgres', max: connections, types: typeParsers });
  pool.on('error', () => undefined);
  const databases = databasesOf(pool, () => pool);
  await migrateSchema(pool, 'blocks', blocksMigrations);
  for (const schema of shardSchemas) await migrateSchema(pool, schema, shardMigrations);
  const { rows } = await pool.query<{ version: string }>("select current_setting('server_version') as version");
  return {
    databases,
    pool,
    version: rows[0]!.version.split(' ')[0]!,
    async stop() {
      await pool.end();
      await server.stop();
    },
  };
}

export interface User {
  readonly id: string;
  readonly device: string;
}

/** New users with a device each. */
export async function addUsers({ databases }: Metadata, count: number): Promise<User[]> {
  comesBy({ id: 'bench', at: 0 });
  const users = Array.from({ length: count }, () => ({ id: randomUUID(), device: randomUUID() }));
  for (const { id, device } of users) {
    const { sql, schema } = databases.shardOf(id);
    await sql.query(`insert into ${schema}.accounts (user_id) values ($1)`, [id]);
    await sql.query(`insert into ${schema}.devices (user_id, device_id, name) values ($1, $2, 'bench')`, [id, device]);
    await sql.query(`insert into ${schema}.sign_ins (user_id, sign_in, device_id) values ($1, 'bench', $2)`, [
      id,
      device,
    ]);
  }
  return users;
}

/** Blocks that are stored and that a version of each of the users holds, so that none has to be sent. */
export async function addHeldBlocks(
  { databases }: Metadata,
  users: readonly User[],
  hashes: readonly Buffer[],
  references: number,
): Promise<void> {
  await databases.blocks.query(
    `insert into blocks.blocks (block_hash, state, ref_count, size_bytes)
     select hash, 'live', $2, 4194304 from unnest($1::bytea[]) hash`,
    [hashes, references],
  );
  for (const { id } of users) {
    const { sql, schema } = databases.shardOf(id);
    await sql.query(
      `insert into ${schema}.held_blocks (user_id, block_hash, versions) select $1, hash, 1 from unnest($2::bytea[]) hash`,
      [id, hashes],
    );
  }
}
