import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { onTestFinished } from 'vitest';
import { type Migration, readMigrations } from '../../../lambdas/migrate/migrations.ts';
import { database, openDatabase } from './service.ts';

const folder = join(import.meta.dirname, '../../../migrations');

export const shardMigrations: readonly Migration[] = readMigrations(join(folder, 'shard'));
export const blocksMigrations: readonly Migration[] = readMigrations(join(folder, 'blocks'));

/** An empty database of its own beside the service's, for what would disturb that one. It goes with the test. */
export async function scratchDatabase(): Promise<Pool> {
  const name = `scratch_${randomUUID().replaceAll('-', '')}`;
  await database.query(`create database ${name}`);
  const pool = openDatabase(name);
  onTestFinished(async () => {
    await pool.end();
    await database.query(`drop database ${name}`);
  });
  return pool;
}
