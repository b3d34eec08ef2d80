import { isDeepStrictEqual } from 'node:util';
import { DeltaError } from '../../../codec/index.ts';
import { transaction } from '../database/database.ts';
import type { Database } from '../database/rows.ts';
import { logger } from '../runtime/log.ts';
import { findBlock, readPart } from '../store/block-store.ts';
import { hasObject, isStored, lockBlocks, setAside } from '../tables/blocks.ts';
import { filterShared, listContents, listPacked, removeContents, type UserContent } from '../tables/contents.ts';
import { endPacks } from '../tables/packs.ts';
import { decodeContent } from './content.ts';

/**
 * Sets a block aside that was seen to be missing (`undefined`), or bad in this object version, so that whoever has its
 * content is asked for it; where rows have the content, these are read from then on. So is each content that lies in it.
 * Not if it is no longer what was seen: stored by its row, and this version the current one. Returns whether it did.
 */
export async function quarantine(blocks: Database, hash: string, version: string | undefined): Promise<boolean> {
  const done = await transaction(blocks, async (sql) => {
    const row = (await lockBlocks(sql, [hash])).get(hash);
    if (!isStored(row)) return false;
    const counts = hasObject(row);
    if (counts && (await findBlock(hash))?.version !== version) return false;
    const hasRows = (await filterShared(sql, [hash])).has(hash);
    if (hasRows && !counts) return false;
    await setAside(sql, hash, { damagedVersion: version ?? null, hasRows });
    return true;
  });
  if (!done) return false;
  logger.warn('a block is quarantined', { hash, version });
  for (const content of await listPacked(blocks, hash)) await removeBadContent(blocks, content);
  return true;
}

/** A user's content, verified; `undefined` where what is kept is missing, or not the block's: such a row is removed. */
export async function readContent(
  blocks: Database,
  content: UserContent,
  size: number,
): Promise<Uint8Array | undefined> {
  try {
    const { encoded, part } = content;
    const kept = part ? await readPart(part.pack, part.at, part.bytes) : encoded;
    return await decodeContent({ encoded: kept ?? new Uint8Array(0) }, content.hash, size);
  } catch (error) {
    if (!(error instanceof DeltaError)) throw error;
    await removeBadContent(blocks, content);
    return undefined;
  }
}

/**
 * Removes what was seen to be a bad content of a user, if it is still what he has, and quarantines a block that has nothing
 * else for everybody who has it.
 */
async function removeBadContent(blocks: Database, seen: UserContent): Promise<void> {
  const { hash, userId } = seen;
  const done = await transaction(blocks, async (sql) => {
    const row = (await lockBlocks(sql, [hash])).get(hash);
    const now = (await listContents(sql, [hash])).find((content) => content.userId === userId);
    if (!isDeepStrictEqual(now, seen)) return false;
    await endPacks(sql, await removeContents(sql, [hash], userId));
    if (!isStored(row) || hasObject(row) || (await filterShared(sql, [hash])).has(hash)) return true;
    await setAside(sql, hash, { damagedVersion: null, hasRows: false });
    return true;
  });
  if (done) logger.warn('a bad content is removed', { hash, user: userId });
}
