import type { Pool, PoolClient } from 'pg';
import { transaction } from '../database.ts';
import { lockBlocks, lowerCounts, raiseCounts } from '../tables/blocks.ts';
import { type Counted, enterLedger, leaveLedger } from '../tables/ledger.ts';

/**
 * Counts versions before they become visible, each once however often it is called. The caller has locked the blocks
 * in the same transaction and knows that they are live or condemned.
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
export async function lowerReferences(blocks: Pool, versionIds: readonly string[]): Promise<void> {
  if (versionIds.length === 0) return;
  await transaction(blocks, async (sql) => await lowerReferencesIn(sql, versionIds));
}

export async function lowerReferencesIn(sql: PoolClient, versionIds: readonly string[]): Promise<void> {
  const hashes = await leaveLedger(sql, versionIds);
  await lockBlocks(sql, [...new Set(hashes)]);
  await lowerCounts(sql, hashes);
}

/**
 * Counts new versions that reuse blocks of the user's own versions. Answers the ids of the versions that can be made;
 * the others need a block that is being deleted.
 */
export async function reuseBlocks(blocks: Pool, versions: readonly Counted[]): Promise<Set<string>> {
  const all = [...new Set(versions.flatMap(({ hashes }) => hashes))];
  if (all.length === 0) return new Set(versions.map(({ versionId }) => versionId));
  return await transaction(blocks, async (sql) => {
    const found = await lockBlocks(sql, all);
    const usable = (hash: string) => ['live', 'condemned'].includes(found.get(hash)?.state ?? '');
    const possible = versions.filter(({ hashes }) => hashes.every(usable));
    await raiseReferences(sql, possible);
    return new Set(possible.map(({ versionId }) => versionId));
  });
}
