import type { PoolClient } from 'pg';
import { type BlockRow, type CountableBlock, insertPending } from './blocks.ts';

/**
 * Keeps collection away from every block, new ones included; the transaction has done nothing yet. When it removed one in
 * between, all locks are let go and taken anew: adding that one alone would lock it after blocks with higher hashes.
 * @param lock locks those of the blocks that are there, `guardBlocks` or stronger, in the order of their hashes
 * @param hashes of the blocks that are locked: those that are wanted, and others as far as they are there
 */
export async function guardAll<Row extends BlockRow>(
  sql: PoolClient,
  wanted: readonly { hash: string; size: number }[],
  comesAs: 'object' | 'row',
  lock: (sql: PoolClient, hashes: readonly string[]) => Promise<Map<string, Row>>,
  hashes: readonly string[] = wanted.map(({ hash }) => hash),
): Promise<Map<string, Row | CountableBlock>> {
  for (;;) {
    const added = await insertPending(sql, wanted, comesAs);
    const there = hashes.filter((hash) => !added.has(hash));
    const rows = new Map<string, Row | CountableBlock>([...added, ...(await lock(sql, there))]);
    if (wanted.every(({ hash }) => rows.has(hash))) return rows;
    await sql.query('rollback and chain');
  }
}
