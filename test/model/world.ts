import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client, type Pool } from 'pg';
import { encodeDelta } from '../../codec/index.ts';
import { type Databases, typeParsers } from '../../lambdas/shared/database/database.ts';
import { shardSchemas } from '../../lambdas/shared/database/shards.ts';
import { migrateSchema } from '../../lambdas/shared/migrations/migrate-schema.ts';
import { readMigrations } from '../../lambdas/shared/migrations/read.ts';
import { comesBy } from '../../lambdas/shared/runtime/request.ts';
import { listObjectVersions, writeBlock } from '../../lambdas/shared/store/block-store.ts';
import { limits } from '../../protocol/limits.ts';
import { Database } from './databases.ts';
import { CONTENTS, type Remains } from './scenario.ts';
import { type ServerAddress, startServers } from './servers.ts';
import { Store } from './store.ts';

/** Two users: the first one's shard is beside the blocks, the other's on the other cluster. */
export const users = [uuid('first user'), uuid('second user')] as const;
export const devices = [uuid('first device'), uuid('second device')] as const;

/** The last one is too large for a row: it lies in packs. */
export const contents: readonly Buffer[] = Array.from({ length: CONTENTS }, (_, index) =>
  index < CONTENTS - 1 ? Buffer.from(`content ${index} `.repeat(20)) : incompressible(limits.rowBytes + 100),
);
export const hashes: readonly string[] = contents.map((content) => createHash('sha256').update(content).digest('hex'));

function incompressible(bytes: number): Buffer {
  const parts = Array.from({ length: Math.ceil(bytes / 32) }, (_, index) =>
    createHash('sha256').update(`${index}`).digest(),
  );
  return Buffer.concat(parts).subarray(0, bytes);
}

/** A user who is gone, and left contents behind. */
const gone = uuid('gone');

const migrations = join(import.meta.dirname, '../../migrations');
const tables = [
  ...['changes', 'file_versions', 'files', 'upload_files', 'uploads', 'requests', 'outbox', 'held_blocks'],
  ...['directories', 'devices', 'accounts', 'deltas'],
];

/** The service's databases on two clusters and its block store, with clocks that are set and not waited for. */
export class World {
  readonly databases: Databases;
  readonly store: Store;
  /** Hours since the run began. */
  hours = 0;
  readonly #clusters: readonly [Database, Database];
  readonly #stopServers: () => Promise<void>;

  private constructor(clusters: readonly [Database, Database], store: Store, stopServers: () => Promise<void>) {
    this.#clusters = clusters;
    this.#stopServers = stopServers;
    this.store = store;
    const shards = clusters.map((cluster, number) => ({ number, schema: shardSchemas[number]!, sql: cluster.pool }));
    this.databases = {
      blocks: clusters[0].pool,
      shards,
      shardOf: (userId) => shards[users.indexOf(userId)]!,
    };
  }

  /** The databases of both clusters. */
  get clusters(): Pool[] {
    return this.#clusters.map(({ pool }) => pool);
  }

  /** On servers of its own, or those of whoever set MODEL_SERVERS, with a database of its own on each. */
  static async open(): Promise<World> {
    const { servers, stop } = await startServers();
    return await World.#on(servers, stop).catch(async (error) => {
      await stop();
      throw error;
    });
  }

  static async #on(servers: readonly ServerAddress[], stop: () => Promise<void>): Promise<World> {
    const name = `model_${randomBytes(6).toString('hex')}`;
    const clusters: Database[] = [];
    for (const server of servers) {
      await createDatabase(server, name);
      clusters.push(await Database.open({ ...server, database: name, types: typeParsers }));
    }
    const world = new World([clusters[0]!, clusters[1]!], await Store.start(), stop);
    const shardMigrations = readMigrations(join(migrations, 'shard'));
    for (const { sql, schema } of world.databases.shards) await migrateSchema(sql, schema, shardMigrations);
    await migrateSchema(world.databases.blocks, 'blocks', readMigrations(join(migrations, 'blocks')));
    return world;
  }

  /** Empty, with the two users and their devices. The clocks of the clusters differ by so many minutes. */
  async reset(skewMinutes: number): Promise<void> {
    comesBy({ id: 'model', at: 0 });
    this.hours = 0;
    await this.store.clear();
    const { blocks, shards } = this.databases;
    await blocks.query(
      'delete from blocks.pins; delete from blocks.ledger; delete from blocks.hot_counts; delete from blocks.renewed; delete from blocks.claims; delete from blocks.contents; delete from blocks.content_bytes; delete from blocks.blocks',
    );
    for (const [index, { sql, schema }] of shards.entries()) {
      const [user, devicesOfUser] = [users[index]!, devices];
      await sql.query(
        `${tables.map((table) => `delete from ${schema}.${table}`).join(';')};
         insert into ${schema}.accounts (user_id) values ('${user}');
         insert into ${schema}.devices (user_id, device_id, name)
           values ${devicesOfUser.map((device) => `('${user}', '${device}', 'model')`).join(',')};
         insert into ${schema}.sign_ins (user_id, sign_in, device_id)
           select user_id, 'model', device_id from ${schema}.devices;
         update clock.shift set by = interval '${index * skewMinutes} minutes'`,
      );
    }
  }

  /** Leaves blocks behind, one state for each content. */
  async leave(remains: readonly Remains[]): Promise<void> {
    for (const [index, state] of remains.entries()) {
      if (state === 'nothing') continue;
      const hash = hashes[index]!;
      const [key, content] = [Buffer.from(hash, 'hex'), contents[index]!];
      if (!['pending', 'rows'].includes(state)) await writeBlock(hash, content);
      await this.databases.blocks.query(
        `insert into blocks.blocks (block_hash, state, size_bytes, delete_after, object_versions, objects)
         values ($1, $2, $3, now() - interval '1 hour', $4, $5)`,
        [
          key,
          state === 'rows' ? 'live' : state,
          content.length,
          state === 'deleting' ? (await listObjectVersions(hash)).versions : null,
          state === 'rows' ? 'none' : state === 'pending' ? 'expected' : 'there',
        ],
      );
      if (state !== 'rows') continue;
      const encoded = encodeDelta(Buffer.alloc(0), content);
      await this.databases.blocks.query(
        `with kept as (insert into blocks.contents values ($1, $2, $3))
         insert into blocks.content_bytes values ($2, $4)
         on conflict (user_id) do update set bytes = content_bytes.bytes + excluded.bytes`,
        [key, gone, Buffer.from(encoded), encoded.length],
      );
    }
  }

  /** Sets the clocks of both clusters forward. */
  async pass(hours: number): Promise<void> {
    this.hours += hours;
    for (const { sql } of this.databases.shards) {
      await sql.query("update clock.shift set by = by + $1::float8 * interval '1 hour'", [hours]);
    }
  }

  /** Takes away the rows that were deleted and replaced, which slow down every look at the small tables. */
  async vacuum(): Promise<void> {
    for (const { sql } of this.databases.shards) await sql.query('vacuum');
  }

  async close(): Promise<void> {
    await Promise.all(this.#clusters.map((cluster) => cluster.close()));
    await this.store.stop();
    await this.#stopServers();
  }
}

/**
 * A database in which `now()` is the clock that the test sets. The schema `clock` comes before PostgreSQL's own in the
 * search path, also for the defaults of the tables that are made there.
 */
async function createDatabase(server: ServerAddress, name: string): Promise<void> {
  const admin = new Client({ ...server, database: 'postgres' });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.query(`alter database ${name} set search_path = clock, pg_catalog`);
  await admin.end();
  const client = new Client({ ...server, database: name });
  await client.connect();
  await client.query(
    `create schema clock;
     create table clock.shift (by interval not null);
     insert into clock.shift values ('0');
     create function clock.now() returns timestamptz language sql stable parallel safe
       as 'select pg_catalog.now() + by from clock.shift'`,
  );
  await client.end();
}

function uuid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
