import type { PoolClient } from 'pg';
import type { CommitResult } from '../../../protocol/commit.ts';
import { type Database, transaction } from '../database.ts';
import { logger } from '../log.ts';
import { isReferable, lockBlocks, lowerCounts, raiseCounts } from '../tables/blocks.ts';
import { type Counted, countedHashes, enterLedger, leaveLedger } from '../tables/ledger.ts';

/**
 * Counts versions before they become visible, each once however often it is called. The caller has locked the blocks
 * in the same transaction and knows that they may be referred to.
 */
export async function raiseReferences(sql: PoolClient, versions: readonly Counted[]): Promise<void> {
  const counted = versions.filter(({ hashes }) => hashes.length > 0);
  if (counted.length === 0) return;
  const fresh = await enterLedger(sql, counted);
  await raiseCounts(
    sql,
    counted.filter(({ versionId }) => fresh.has(versionId)).flatMap(({ hashes }) => hashes),
  );
}

/** Takes the counts of versions back that did not become visible, or are gone; each once. */
export async function lowerReferences(
  blocks: Database,
  versionIds: readonly string[],
  which: 'raised' | 'unsettled' = 'raised',
): Promise<void> {
  if (versionIds.length === 0) return;
  await transaction(blocks, async (sql) => {
    // Blocks before ledger rows, the order in which a finalize takes them.
    await lockBlocks(sql, await countedHashes(sql, versionIds));
    await lowerCounts(sql, await leaveLedger(sql, versionIds, which));
  });
}

/**
 * Takes the counts of those versions back that a call did not commit. The call is over by then: a failure costs nothing
 * but time, since the sweep settles what stays raised.
 */
export async function lowerRefused(
  blocks: Database,
  counted: readonly string[],
  results: readonly CommitResult[],
): Promise<void> {
  const visible = new Set(results.flatMap((result) => ('version_id' in result ? [result.version_id] : [])));
  const refused = counted.filter((id) => !visible.has(id));
  try {
    await lowerReferences(blocks, refused);
  } catch (error) {
    logger.warn('counts stay raised until the sweep', { versions: refused.length, error: error as Error });
  }
}

/**
 * Counts new versions that reuse blocks of the user's own versions. Answers the ids of the versions that can be made;
 * the others need a block that is being deleted.
 */
export async function reuseBlocks(blocks: Database, versions: readonly Counted[]): Promise<Set<string>> {
  const all = [...new Set(versions.flatMap(({ hashes }) => hashes))];
  if (all.length === 0) return new Set(versions.map(({ versionId }) => versionId));
  return await transaction(blocks, async (sql) => {
    const found = await lockBlocks(sql, all);
    const possible = versions.filter(({ hashes }) => hashes.every((hash) => isReferable(found.get(hash))));
    await raiseReferences(sql, possible);
    return new Set(possible.map(({ versionId }) => versionId));
  });
}
