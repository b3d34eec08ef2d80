import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { placedContents } from '../../lambdas/save/keep-contents.ts';
import type { Database } from '../../lambdas/shared/database/rows.ts';
import { migrateSchema } from '../../lambdas/shared/migrations/migrate-schema.ts';
import { lockBlocks, lockToRaise } from '../../lambdas/shared/tables/blocks.ts';
import { failProofs, releasePins, renewPins, verifyPins } from '../../lambdas/shared/tables/pins.ts';
import { claimBlocks } from '../../lambdas/upload-init/claim.ts';
import { soon } from '../support/soon.ts';
import { deleteFiles } from './support/calls.ts';
import { blocksMigrations, scratchDatabase } from './support/scratch-database.ts';
import { database as service, shardOf, signUp } from './support/service.ts';

const [first, second, third] = ['aa', 'bb', 'cc'].map((byte) => byte.repeat(32)) as [string, string, string];

let pool: Pool;
beforeAll(async () => {
  pool = await scratchDatabase(afterAll);
  await migrateSchema(pool, 'blocks', blocksMigrations);
  await pool.query(
    `insert into blocks.blocks (block_hash, state, ref_count, size_bytes)
     values (decode($1, 'hex'), 'live', 1000, 1), (decode($2, 'hex'), 'live', 1, 1), (decode($3, 'hex'), 'live', 1, 1)`,
    [first, second, third],
  );
});

async function begin(): Promise<PoolClient> {
  const client = await pool.connect();
  await client.query('begin');
  return client;
}

async function end(client: PoolClient): Promise<void> {
  await client.query('rollback');
  client.release();
}

/** Waits until so many statements on tables of that name wait for a lock. */
async function waiting(database: Pool, table: string, count: number): Promise<void> {
  await soon(async () => {
    const { rows } = await database.query(
      `select from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like '%' || $1 || '%'`,
      [table],
    );
    expect(rows).toHaveLength(count);
  });
}

test('a call that waits for the account holds no device of it', async () => {
  const user = await signUp();
  const other = await user.addDevice();
  const { schema, userId } = shardOf(user);
  const devices = `${schema}.devices where user_id = '${userId}'`;
  await service.query(`update ${schema}.devices set last_seen_at = now() - interval '1 hour'`);
  const holder = await service.connect();
  await holder.query('begin');
  await holder.query(`select from ${schema}.accounts where user_id = $1 for update`, [userId]);
  const calls = [
    deleteFiles(user, [{ path: 'a', base_version: 1 }]),
    user.call('GET', `/tree?device_id=${user.device}`),
    user.begin('a', Buffer.from('a')),
    user.call('POST', '/devices', { device_id: user.device, name: 'renamed' }),
    user.call('DELETE', `/devices/${other.device}`),
  ];
  await waiting(service, `${schema}.accounts`, calls.length);
  expect((await holder.query(`select from ${devices} for update nowait`)).rowCount).toBe(2);
  await holder.query('commit');
  holder.release();
  await Promise.all(calls);
});

const session = { userId: randomUUID(), uploadId: randomUUID() };

test.each<[name: string, change: (sql: PoolClient) => Promise<void>]>([
  ['verifies them', (sql) => verifyPins(sql, session, [{ hash: second }, { hash: first }])],
  ['fails their proofs', (sql) => failProofs(sql, session, [second, first])],
  ['releases them', (sql) => releasePins(sql, session.userId, [session.uploadId])],
])('a call that waits for a pin of its session and %s holds none with a higher hash', async (_, change) => {
  await pool.query('delete from blocks.pins');
  // In the order in which a scan finds them, the higher hash comes first.
  for (const hash of [second, first]) {
    const pin = { hash, verified: false, token: 'token', nonce: null };
    const sql = await begin();
    await renewPins(sql, session, [pin]);
    await sql.query('commit');
    sql.release();
  }
  const [holder, call, other] = [await begin(), await begin(), await begin()];
  const pin = `select from blocks.pins where block_hash = decode($1, 'hex') for update nowait`;
  await holder.query(pin, [first]);
  const changed = change(call);
  await waiting(pool, 'blocks.pins', 1);
  expect((await other.query(pin, [second])).rowCount).toBe(1);
  await end(other);
  await end(holder);
  await changed;
  await end(call);
});

test('a claim whose block was collected under its hands lets go of the others before it adds the block again', async () => {
  let collected = false;
  let held: number | undefined;
  const other = await begin();
  await other.query('commit');
  const intercepted = (sql: PoolClient): PoolClient => {
    const query = sql.query.bind(sql) as (...statement: unknown[]) => Promise<unknown>;
    const watched = async (...statement: unknown[]) => {
      const guards = String(statement[0]).includes('for key share');
      if (guards && !collected)
        await other.query(`delete from blocks.blocks where block_hash = decode($1, 'hex')`, [second]);
      const adds = String(statement[0]).includes('insert into blocks.blocks');
      if (adds && collected) {
        const free = `select from blocks.blocks where block_hash = decode($1, 'hex') for update skip locked`;
        held = 1 - (await other.query(free, [third])).rowCount!;
      }
      if (guards) collected = true;
      return await query(...statement);
    };
    return { query: watched, release: sql.release.bind(sql) } as unknown as PoolClient;
  };
  const database = { query: pool.query.bind(pool), connect: async () => intercepted(await pool.connect()) };
  const wanted = [second, third].map((hash) => ({ hash, size: 1, held: true, delta: false }));
  await claimBlocks(database as Database, session, wanted, { crossUser: false, isNew: false });
  expect(held).toBe(0);
  other.release();
});

test('a save of a content that everybody has waits for nobody who counts it', async () => {
  const [counting, save] = [await begin(), await begin()];
  await lockToRaise(counting, [first]);
  await save.query("set local lock_timeout = '20s'");
  const arriving = placedContents(session, [{ hash: first, size: 1, encoded: Buffer.from('content'), part: null }]);
  const kept = await arriving.note(save, await arriving.lock(save, [first]));
  expect([...kept]).toEqual([[first, 1]]);
  await end(save);
  await end(counting);
});

test('a finalize that waits for a hot block holds none with a higher hash', async () => {
  const [lowering, finalize, other] = [await begin(), await begin(), await begin()];
  await lockBlocks(lowering, [first]);
  const locked = lockToRaise(finalize, [first, second]);
  await soon(async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    expect(rows).toHaveLength(1);
  });
  const { rowCount } = await other.query(
    `select from blocks.blocks where block_hash = decode($1, 'hex') for no key update nowait`,
    [second],
  );
  expect(rowCount).toBe(1);
  await end(other);
  await end(lowering);
  expect([...(await locked).values()]).toMatchObject([
    { hash: first, hot: true },
    { hash: second, hot: false },
  ]);
  await end(finalize);
});
