import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { migrateSchema } from '../../lambdas/shared/migrations/migrate-schema.ts';
import { type Migration, readMigrations } from '../../lambdas/shared/migrations/read.ts';
import { blocksMigrations, scratchDatabase, shardMigrations } from './support/scratch-database.ts';
import { database } from './support/service.ts';

let pool: Pool;
beforeEach(async () => {
  pool = await scratchDatabase();
});

function migration(name: string, sql: string): Migration {
  return { name, sql, sha256: createHash('sha256').update(sql).digest() };
}

async function tables(schema: string): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = $1 order by 1`,
    [schema],
  );
  return rows.map(({ name }) => name);
}

test('a run applies every file once, in each schema; the next one nothing', async () => {
  expect(await migrateSchema(pool, 'shard_07', shardMigrations)).toBe(shardMigrations.length);
  expect(await migrateSchema(pool, 'shard_07', shardMigrations)).toBe(0);
  expect(await migrateSchema(pool, 'shard_08', shardMigrations)).toBe(shardMigrations.length);
  expect(await migrateSchema(pool, 'blocks', blocksMigrations)).toBe(blocksMigrations.length);
  expect(await tables('shard_07')).toEqual(await tables('shard_08'));
  expect(await tables('blocks')).toEqual([
    'blocks',
    'claims',
    'content_bytes',
    'contents',
    'counts',
    'hot_counts',
    'ledger',
    'migrations',
    'pins',
    'renewed',
  ]);
});

test('runs at the same time apply every file once between them', async () => {
  const counts = await Promise.all([1, 2, 3].map(() => migrateSchema(pool, 'shard_07', shardMigrations)));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(shardMigrations.length);
});

test('a file that fails leaves nothing behind, keeps what came before, and names file, schema and line', async () => {
  const good = migration('0001-good.sql', 'create table {{schema}}.good (id int);');
  const bad = migration('0002-bad.sql', 'create table {{schema}}.half (id int);\n\ncreate tabel {{schema}}.typo ();');
  const failing = migrateSchema(pool, 'shard_07', [good, bad]);
  await expect(failing).rejects.toThrow(/0002-bad\.sql failed in shard_07 at line 3: .*"tabel"/);
  expect(await tables('shard_07')).toEqual(['good', 'migrations']);
  const mended = migration('0002-bad.sql', 'create table {{schema}}.half (id int);');
  expect(await migrateSchema(pool, 'shard_07', [good, mended])).toBe(1);
});

test('a file that has changed since it was applied is refused, and nothing after it runs', async () => {
  await migrateSchema(pool, 'shard_07', [migration('0001-a.sql', 'create table {{schema}}.a (id int)')]);
  const changed = [
    migration('0001-a.sql', 'create table {{schema}}.a (id bigint)'),
    migration('0002-b.sql', 'create table {{schema}}.b (id int)'),
  ];
  await expect(migrateSchema(pool, 'shard_07', changed)).rejects.toThrow(
    /0001-a\.sql was applied to shard_07 and has changed/,
  );
  expect(await tables('shard_07')).toEqual(['a', 'migrations']);
});

test('the role of requests may use the tables and neither make nor drop any', async () => {
  const { rows } = await database.query<{ owns: boolean; uses: boolean; creates: boolean; records: boolean }>(
    `select tableowner = 'tidemark_app' as owns, has_table_privilege('tidemark_app', 'shard_07.files', 'insert') as uses,
       has_schema_privilege('tidemark_app', 'shard_07', 'create') as creates,
       has_table_privilege('tidemark_app', 'shard_07.migrations', 'update') as records
     from pg_tables where schemaname = 'shard_07' and tablename = 'files'`,
  );
  expect(rows).toEqual([{ owns: false, uses: true, creates: false, records: false }]);
});

test('a folder without migrations, and a file without a number of its own, are refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-migrations-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  expect(() => readMigrations(folder)).toThrow(/no migrations/);
  await writeFile(join(folder, 'late.sql'), 'select 1');
  expect(() => readMigrations(folder)).toThrow(/late\.sql has no number/);
  await rm(join(folder, 'late.sql'));
  for (const name of ['0001-one.sql', '0001-other.sql']) await writeFile(join(folder, name), 'select 1');
  expect(() => readMigrations(folder)).toThrow(/number of the migration 0001-other\.sql is taken/);
});
