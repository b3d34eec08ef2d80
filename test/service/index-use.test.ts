import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { databasesOf } from '../../lambdas/shared/database/database.ts';
import type { Shard, Sql } from '../../lambdas/shared/database/rows.ts';
import { migrateSchema } from '../../lambdas/shared/migrations/migrate-schema.ts';
import { filterParents } from '../../lambdas/shared/tables/files.ts';
import { plansOf } from './support/plans.ts';
import { blocksMigrations, scratchDatabase, shardMigrations } from './support/scratch-database.ts';
import type { About } from './support/statements/about.ts';
import { hotStatements } from './support/statements/all.ts';

let pool: Pool;
let shard: Shard;
beforeAll(async () => {
  pool = await scratchDatabase(afterAll);
  shard = databasesOf(pool, () => pool).shards[7]!;
  await migrateSchema(pool, shard.schema, shardMigrations);
  await migrateSchema(pool, 'blocks', blocksMigrations);
});

const about: Omit<About, 'shard'> = {
  user: randomUUID(),
  id: randomUUID(),
  hashes: ['aa'.repeat(32), 'bb'.repeat(32)],
  paths: ['a/b', 'c'],
  folder: 'a',
  cursor: 1,
};

/** The plans of all statements that `run` sends, made as if reading a whole table were dear. */
async function shown(run: (sql: never) => Promise<unknown>): Promise<string> {
  return (await plansOf(pool, run, ['enable_seqscan = off'])).map((plan) => plan.shown).join('\n');
}

// Names alone: they are known before there is a database.
const names = Object.keys(hotStatements({ shard: undefined as never, ...about }));

test.each(names)('%s finds its rows by an index', async (name) => {
  // The table of the relay's turn has one row.
  expect(await shown(hotStatements({ shard, ...about })[name]!)).not.toMatch(/Seq Scan on (?!relay_turn)/);
});

test('what lies below new paths is found by these, and not among all files of the user', async () => {
  const run = async (sql: never): Promise<void> => {
    const { schema } = shard;
    await (sql as Sql).query(
      `insert into ${schema}.files (file_id, user_id, path, kind, version, block_hashes, block_sizes, size_bytes,
         mtime_ms, mode)
       select gen_random_uuid(), $1, 'many/file-' || n, 'file', 1, '{}', '{}', 0, 0, 420 from generate_series(1, 2000) n`,
      [about.user],
    );
    const fresh = Array.from({ length: 300 }, (_, index) => `many/new-${index}`);
    await filterParents({ ...shard, sql, id: about.user }, fresh, []);
  };
  expect(await shown(run)).not.toMatch(/Join Filter/);
});
