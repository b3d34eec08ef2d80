import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { onTestFinished } from 'vitest';
import { type Migration, readMigrations } from '../../../lambdas/shared/migrations/read.ts';
import { database, openDatabase } from './service.ts';

const folder = join(import.meta.dirname, '../../../migrations');

export const shardMigrations: readonly Migration[] = readMigrations(join(folder, 'shard'));
export const blocksMigrations: readonly Migration[] = readMigrations(join(folder, 'blocks'));

/**
 * An empty database of its own beside the service's, for what would disturb that one.
 * @param after registers what ends it: with the test unless given
 */
export async function scratchDatabase(after: (end: () => Promise<void>) => void = onTestFinished): Promise<Pool> {
  const name = `scratch_${randomUUID().replaceAll('-', '')}`;
  await database.query(`create database ${name}`);
  const pool = openDatabase(name);
  after(async () => {
    await pool.end();
    await database.query(`drop database ${name}`);
  });
  return pool;
}
