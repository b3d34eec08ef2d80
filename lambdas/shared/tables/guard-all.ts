import type { PoolClient } from 'pg';
import { type BlockRow, guardBlocks, insertPending } from './blocks.ts';

/**
 * Keeps collection away from every block, new ones included. When it removed one in between, all locks are let go and
 * taken anew: adding that one alone would lock it after blocks with higher hashes.
 */
export async function guardAll(
  sql: PoolClient,
  wanted: readonly { hash: string; size: number }[],
  comesAs: 'object' | 'row',
): Promise<Map<string, BlockRow>> {
  const hashes = wanted.map(({ hash }) => hash);
  await sql.query('savepoint unguarded');
  for (;;) {
    await insertPending(sql, wanted, comesAs);
    const rows = await guardBlocks(sql, hashes);
    if (rows.size === wanted.length) return rows;
    await sql.query('rollback to savepoint unguarded');
  }
}
