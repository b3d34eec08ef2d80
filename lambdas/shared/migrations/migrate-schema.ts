/* Applies the SQL of `migrations/` to a schema, each file once. */

import type { PoolClient } from 'pg';
import { transaction } from '../database/database.ts';
import type { Database } from '../database/rows.ts';
import type { Migration } from './read.ts';

/** The role that requests run as; it owns nothing. */
const APP_ROLE = 'tidemark_app';

/**
 * Brings a schema up to the newest migration, one transaction for each, and answers how many were applied. Running it
 * again, or twice at once, applies nothing twice; migrations that only a newer release knows stay as they are.
 * Throws with the file, the schema and the line when one fails: that one then left nothing behind.
 */
export async function migrateSchema(pool: Database, schema: string, migrations: readonly Migration[]): Promise<number> {
  let applied = 0;
  for (const migration of migrations) {
    if (await transaction(pool, (sql) => apply(sql, schema, migration))) applied++;
  }
  return applied;
}

async function apply(sql: PoolClient, schema: string, { name, sha256, ...migration }: Migration): Promise<boolean> {
  await sql.query(`select pg_advisory_xact_lock(hashtext($1))`, [`migrate ${schema}`]);
  await sql.query(`create schema if not exists ${schema}`);
  await sql.query(
    `create table if not exists ${schema}.migrations (
       name text primary key, sha256 bytea not null, applied_at timestamptz not null default now())`,
  );
  const { rows } = await sql.query<{ sha256: Buffer }>(`select sha256 from ${schema}.migrations where name = $1`, [
    name,
  ]);
  if (rows[0]) {
    if (rows[0].sha256.equals(sha256)) return false;
    throw new Error(`${name} was applied to ${schema} and has changed since: restore it and write a new migration`);
  }
  const text = migration.sql.replaceAll('{{schema}}', schema);
  await sql.query(text).catch((error) => {
    throw new Error(`${name} failed in ${schema}${lineOf(error, text)}: ${(error as Error).message}`, { cause: error });
  });
  await sql.query(`insert into ${schema}.migrations (name, sha256) values ($1, $2)`, [name, sha256]);
  await sql.query(`grant usage on schema ${schema} to ${APP_ROLE}`);
  await sql.query(`grant select, insert, update, delete on all tables in schema ${schema} to ${APP_ROLE}`);
  await sql.query(`revoke all on ${schema}.migrations from ${APP_ROLE}`);
  return true;
}

/** ` at line N`, where PostgreSQL says at which character of the text it stumbled. */
function lineOf(error: unknown, text: string): string {
  const position = Number((error as { position?: string }).position);
  return position > 0 ? ` at line ${text.slice(0, position).split('\n').length}` : '';
}
