import type { PoolClient } from 'pg';
import { type BlockRow, insertPending } from './blocks.ts';

/**
 * Keeps collection away from every block, new ones included; the transaction has done nothing yet. When it removed one in
 * between, all locks are let go and taken anew: adding that one alone would lock it after blocks with higher hashes.
 * @param lock locks those of the blocks that are there, `guardBlocks` or stronger, in the order of their hashes
 */
export async function guardAll<Row extends BlockRow>(
  sql: PoolClient,
  wanted: readonly { hash: string; size: number }[],
  comesAs: 'object' | 'row',
  lock: (sql: PoolClient, hashes: readonly string[]) => Promise<Map<string, Row>>,
): Promise<Map<string, Row>> {
  const hashes = wanted.map(({ hash }) => hash);
  for (;;) {
    await insertPending(sql, wanted, comesAs);
    const rows = await lock(sql, hashes);
    if (hashes.every((hash) => rows.has(hash))) return rows;
    await sql.query('rollback and chain');
  }
}
