import type { PoolClient } from 'pg';
import type { Database } from './database.ts';

/** What runs a statement: a pool for a single one, a client inside a transaction. */
export type Sql = Database | PoolClient;

/** A timestamptz expression as milliseconds since 1970. */
export function ms(expression: string): string {
  return `(extract(epoch from ${expression}) * 1000)::int8`;
}

/** Hashes and other bytes as PostgreSQL reads them inside a JSON parameter. */
export function byteaText(hex: string): string {
  return `\\x${hex}`;
}
