import type { PoolClient } from 'pg';
import { toBytes } from '../database/ids.ts';
import type { Sql } from '../database/rows.ts';

/** The block's content is bad: from its next on, caches are to know it by another name. */
export async function noteRenewed(sql: PoolClient, hash: Buffer): Promise<void> {
  await sql.query('insert into blocks.renewed (block_hash) values ($1) on conflict do nothing', [hash]);
}

/** Part of `markLive`: the content of the blocks $1 is good (again); those that were bad before get another name. */
export const renewEntries = 'update blocks.renewed set entry = gen_random_uuid() where block_hash = any($1)';

/** Of these blocks, the names in caches of those whose content was bad before. */
export async function findEntries(sql: Sql, hashes: readonly string[]): Promise<Map<string, string>> {
  if (hashes.length === 0) return new Map();
  const { rows } = await sql.query<{ hash: string; entry: string }>(
    `select encode(block_hash, 'hex') as hash, entry from blocks.renewed where block_hash = any($1)`,
    [toBytes(hashes)],
  );
  return new Map(rows.map(({ hash, entry }) => [hash, entry]));
}
