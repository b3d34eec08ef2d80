import { lowerReferences } from '../shared/commit/references.ts';
import type { Databases } from '../shared/database/database.ts';
import { confirmVersions, listUnsettled } from '../shared/tables/ledger.ts';
import { filterVersions } from '../shared/tables/versions.ts';

/**
 * Settles counts of versions that nobody reported for as long as an upload may live: confirmed when the version is in its
 * shard, taken back when it is not. A shard that cannot be asked throws, and nothing changes. Returns how many it took up.
 */
export async function settleLedger(databases: Databases, limit: number): Promise<number> {
  const unsettled = await listUnsettled(databases.blocks, limit);
  const visible = new Set<string>();
  for (const [shard, versions] of Map.groupBy(unsettled, ({ user_id }) => databases.shardOf(user_id))) {
    const ids = versions.map(({ version_id }) => version_id);
    for (const id of await filterVersions(shard, ids)) visible.add(id);
  }
  // Taken up again since then, by a retry or by another run, they stay as they are.
  await confirmVersions(databases.blocks, [...visible], 'unsettled');
  const invisible = unsettled.map(({ version_id }) => version_id).filter((id) => !visible.has(id));
  await lowerReferences(databases.blocks, invisible, 'unsettled');
  return unsettled.length;
}
