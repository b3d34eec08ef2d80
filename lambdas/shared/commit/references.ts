import type { PoolClient } from 'pg';
import type { CommitResult } from '../../../protocol/commit.ts';
import { transaction } from '../database/database.ts';
import type { Database, Shard } from '../database/rows.ts';
import { logger } from '../runtime/log.ts';
import { type CountableBlock, isReferable, lockBlocks, lockToRaise, lowerCounts } from '../tables/blocks.ts';
import { countVersions } from '../tables/count-versions.ts';
import { type Counted, countedHashes, leaveLedger, type Open } from '../tables/ledger.ts';
import { filterVersions } from '../tables/versions.ts';

/**
 * Counts versions before they become visible, each once however often it is called. Returns the ids of those that may
 * become visible: not the ones that an earlier call made.
 * @param blocks all blocks of the versions, locked by `lockToRaise` in the same transaction, and referable
 */
export async function raiseReferences(
  sql: PoolClient,
  blocks: ReadonlyMap<string, CountableBlock>,
  versions: readonly Counted[],
): Promise<Set<string>> {
  const { holding = [], empty = [] } = Object.groupBy(versions, ({ hashes }) =>
    hashes.length > 0 ? 'holding' : 'empty',
  );
  const counted = await countVersions(sql, blocks, holding);
  return new Set([...empty.map(({ versionId }) => versionId), ...counted]);
}

/** Takes the counts of versions back that did not become visible, or are gone; each once. */
export async function lowerReferences(blocks: Database, versionIds: readonly string[], which: Open): Promise<void> {
  if (versionIds.length === 0) return;
  await transaction(blocks, async (sql) => {
    // Blocks before ledger rows, the order in which a finalize takes them.
    await lockBlocks(sql, await countedHashes(sql, versionIds));
    await lowerCounts(sql, await leaveLedger(sql, versionIds, which));
  });
}

/**
 * Takes the counts of those versions back that a call did not commit, and no earlier one whose answer is forgotten. The
 * call is over by then: a failure costs nothing but time, since the sweep settles what stays raised.
 */
export async function lowerRefused(
  blocks: Database,
  shard: Shard,
  counted: readonly string[],
  results: readonly CommitResult[],
): Promise<void> {
  const visible = new Set(results.flatMap((result) => ('version_id' in result ? [result.version_id] : [])));
  const refused = counted.filter((id) => !visible.has(id));
  try {
    const made = new Set(refused.length > 0 ? await filterVersions(shard, refused) : []);
    await lowerReferences(
      blocks,
      refused.filter((id) => !made.has(id)),
      'raised',
    );
  } catch (error) {
    logger.warn('counts stay raised until the sweep', { versions: refused.length, error: error as Error });
  }
}

/**
 * Counts new versions that reuse blocks of the user's own versions. Returns the ids of the versions that can be made;
 * the others need a block that is being deleted, or were made before.
 */
export async function reuseBlocks(blocks: Database, versions: readonly Counted[]): Promise<Set<string>> {
  const all = [...new Set(versions.flatMap(({ hashes }) => hashes))];
  if (all.length === 0) return new Set(versions.map(({ versionId }) => versionId));
  return await transaction(blocks, async (sql) => {
    const found = await lockToRaise(sql, all);
    const possible = versions.filter(({ hashes }) => hashes.every((hash) => isReferable(found.get(hash))));
    return await raiseReferences(sql, found, possible);
  });
}
