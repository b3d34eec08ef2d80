import type { Pool, PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { migrateSchema } from '../../lambdas/shared/migrations/migrate-schema.ts';
import { lockBlocks, lockToRaise } from '../../lambdas/shared/tables/blocks.ts';
import { blocksMigrations, scratchDatabase } from './support/scratch-database.ts';

const [first, second] = ['aa'.repeat(32), 'bb'.repeat(32)];

let pool: Pool;
beforeAll(async () => {
  pool = await scratchDatabase(afterAll);
  await migrateSchema(pool, 'blocks', blocksMigrations);
  await pool.query(
    `insert into blocks.blocks (block_hash, state, ref_count, size_bytes)
     values (decode($1, 'hex'), 'live', 1000, 1), (decode($2, 'hex'), 'live', 1, 1)`,
    [first, second],
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

test('a finalize that waits for a hot block holds none with a higher hash', async () => {
  const [lowering, finalize, other] = [await begin(), await begin(), await begin()];
  await lockBlocks(lowering, [first]);
  const locked = lockToRaise(finalize, [first, second]);
  await vi.waitFor(async () => {
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
