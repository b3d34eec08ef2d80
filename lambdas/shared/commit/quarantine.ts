import { DeltaError } from '../../../codec/index.ts';
import { transaction } from '../database/database.ts';
import type { Database } from '../database/rows.ts';
import { logger } from '../runtime/log.ts';
import { findBlock } from '../store/block-store.ts';
import { hasObject, isStored, lockBlocks, setAside } from '../tables/blocks.ts';
import { filterKept, removeContents, type UserContent } from '../tables/contents.ts';
import { decodeContent } from './content.ts';

/**
 * Sets a block aside that was seen to be missing (`undefined`), or bad in this object version, so that whoever has its
 * content is asked for it; where rows have the content, these are read from then on. Not if it is no longer what was
 * seen: stored by its row, and this version the current one. Returns whether it did.
 */
export async function quarantine(blocks: Database, hash: string, version: string | undefined): Promise<boolean> {
  const done = await transaction(blocks, async (sql) => {
    const row = (await lockBlocks(sql, [hash])).get(hash);
    if (!isStored(row)) return false;
    const counts = hasObject(row);
    if (counts && (await findBlock(hash))?.version !== version) return false;
    const hasRows = (await filterKept(sql, [hash])).has(hash);
    if (hasRows && !counts) return false;
    await setAside(sql, hash, { damagedVersion: version ?? null, hasRows });
    return true;
  });
  if (done) logger.warn('a block is quarantined', { hash, version });
  return done;
}

/** The content of a user's row, verified; `undefined` where it is not that of the block: such a row is removed. */
export async function readContent(
  blocks: Database,
  content: UserContent,
  size: number,
): Promise<Uint8Array | undefined> {
  try {
    return await decodeContent(content, content.hash, size);
  } catch (error) {
    if (!(error instanceof DeltaError)) throw error;
    await removeBadContent(blocks, content.hash, content.userId);
    return undefined;
  }
}

/** Removes a user's row that does not have the content of its block, and quarantines a block that has nothing else. */
async function removeBadContent(blocks: Database, hash: string, userId: string): Promise<void> {
  await transaction(blocks, async (sql) => {
    const row = (await lockBlocks(sql, [hash])).get(hash);
    await removeContents(sql, [hash], userId);
    if (!isStored(row) || hasObject(row) || (await filterKept(sql, [hash])).has(hash)) return;
    await setAside(sql, hash, { damagedVersion: null, hasRows: false });
  });
  logger.warn('a row with bad content is removed', { hash, user: userId });
}
