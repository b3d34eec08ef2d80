import { transaction } from '../database/database.ts';
import type { Database } from '../database/rows.ts';
import { logger } from '../runtime/log.ts';
import { findBlock } from '../store/block-store.ts';
import { isStored, lockBlocks, quarantineBlock } from '../tables/blocks.ts';

/**
 * Sets a block aside that was seen to be missing (`undefined`), or bad in this object version, so that whoever has its
 * content is asked for it. Not if it is no longer what was seen: stored by its row, and this version the current one.
 * Returns whether it did.
 */
export async function quarantine(blocks: Database, hash: string, version: string | undefined): Promise<boolean> {
  const done = await transaction(blocks, async (sql) => {
    const row = (await lockBlocks(sql, [hash])).get(hash);
    if (!isStored(row) || (await findBlock(hash))?.version !== version) return false;
    await quarantineBlock(sql, hash, version ?? null);
    return true;
  });
  if (done) logger.warn('a block is quarantined', { hash, version });
  return done;
}
