import type { PoolClient } from 'pg';
import { toBytes } from '../database/ids.ts';
import { type CountableBlock, raiseCold, raiseHot } from './blocks.ts';
import { type Counted, enterLedger, toRecords } from './ledger.ts';

/**
 * Counts the blocks of versions, each version once however often it is called: enters it in the ledger, and raises the
 * counts if it was not there. One statement, as `writeVersions`. Returns the ids of those that may become visible; a
 * version that was made before, and is confirmed or on its way out, is none of them.
 * @param blocks all blocks of the versions, locked by `lockToRaise` in the same transaction, and referable
 */
export async function countVersions(
  sql: PoolClient,
  blocks: ReadonlyMap<string, CountableBlock>,
  versions: readonly Counted[],
): Promise<Set<string>> {
  if (versions.length === 0) return new Set();
  const hot = [...new Set(versions.flatMap(({ hashes }) => hashes))].filter((hash) => blocks.get(hash)!.hot);
  const { rows } = await sql.query<{ version_id: string; state: string }>(
    `with entered as (${enterLedger}),
     added as (
       select hash, count(*)::int as times from entered, unnest(block_hashes) hash where fresh group by hash),
     cold as (${raiseCold})
     ${hot.length > 0 ? `, hot as (${raiseHot})` : ''}
     select version_id, state from entered`,
    [toRecords(versions), toBytes(hot)],
  );
  return new Set(rows.filter(({ state }) => state === 'raised').map(({ version_id }) => version_id));
}
