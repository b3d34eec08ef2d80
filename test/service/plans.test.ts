import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filePath, fillAccount, folderPath, owner, SHARD } from '../../bench/metadata/large-account.ts';
import { loadStatistics, type Statistics } from '../../bench/metadata/statistics.ts';
import { databasesOf } from '../../lambdas/shared/database/database.ts';
import type { Sql } from '../../lambdas/shared/database/rows.ts';
import { migrateSchema } from '../../lambdas/shared/migrations/migrate-schema.ts';
import { growFiles } from './support/large-files.ts';
import { plansOf } from './support/plans.ts';
import { blocksMigrations, scratchDatabase, shardMigrations } from './support/scratch-database.ts';
import type { About } from './support/statements/about.ts';
import { hotStatements } from './support/statements/all.ts';

/** A hundredth of what the statistics are of. */
const SMALL = { files: 10_000, blocks: 100_000 };
/** A hundred times as much may cost so many times as much, as PostgreSQL reckons. */
const GROWTH = 3;
/** What some twenty rows cost that are found by an index; less is not worth a look. */
const LITTLE = 150;
/** A sixth of what it costs to read the files of the account, and one percent of what the blocks do. */
const LISTED = 6_000;

/** What reads more where there is more, and of what it is all or a page. */
const listing: Readonly<Record<string, string>> = {
  listItems: 'one directory, which is as large in both accounts, and lies apart in the table of one',
  itemsInPages: 'one directory, which is as large in both accounts, and lies apart in the table of one',
  releasePins: 'the pins of one upload, which are limited',
  listSparse: 'what lies in two packs, which is limited',
  keepDeltas: 'the deltas kept for one user, which are limited',
  openVersions: 'for the audit, the versions whose counts are not settled yet',
  collectBlocks: 'a page of what the sweep looks at',
  expireVersions: 'a page of what the sweep looks at',
};

/** The folder is in both accounts, and as large. */
const about: Omit<About, 'shard'> = {
  user: owner,
  id: randomUUID(),
  hashes: [`${'7'.repeat(63)}0`, `${'7'.repeat(63)}1`],
  paths: [filePath(3_000), filePath(4_000)],
  folder: folderPath(3),
  cursor: 20_000,
};

let small: Pool;
let large: Pool;
beforeAll(async () => {
  small = await scratchDatabase(afterAll);
  await fillAccount(small, SMALL);
  large = await scratchDatabase(afterAll);
  await migrateSchema(large, shardOf(large).schema, shardMigrations);
  await migrateSchema(large, 'blocks', blocksMigrations);
  const file = await readFile(join(import.meta.dirname, 'support/million-files.json'), 'utf8');
  const statistics = JSON.parse(file) as Statistics;
  await loadStatistics(large, statistics);
  await growFiles(large, statistics);
}, 120_000);

const shardOf = (pool: Pool) => databasesOf(pool, () => pool).shards[SHARD]!;

const names = Object.keys(hotStatements({ shard: undefined as never, ...about }));

test.each(names)('%s costs in an account of a million files what it costs in one of ten thousand', async (name) => {
  const [few, many] = [await explained(small, name), await explained(large, name)];
  for (const [index, { text, shown, cost }] of many.entries()) {
    const before = few[index]!;
    const bound = name in listing ? LISTED : Math.max(LITTLE, GROWTH * before.cost);
    expect(cost, `${text}\n\n${before.shown}\n\n${shown}`).toBeLessThan(bound);
  }
});

test('a statement that reads all of an account is noticed', async () => {
  const [plan] = await plansOf(large, (sql) => countFiles(sql));
  expect(plan!.cost).toBeGreaterThan(5 * LISTED);
});

test('what is listed is a statement', () => {
  expect(names).toEqual(expect.arrayContaining(Object.keys(listing)));
});

async function countFiles(sql: Sql): Promise<void> {
  await sql.query(`select max(size_bytes) from ${shardOf(large).schema}.files where user_id = $1`, [owner]);
}

async function explained(pool: Pool, name: string) {
  return await plansOf(pool, hotStatements({ shard: shardOf(pool), ...about })[name]!);
}
