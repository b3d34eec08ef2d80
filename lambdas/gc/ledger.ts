import { lowerReferencesIn } from '../shared/commit/references.ts';
import { type Databases, transaction } from '../shared/database.ts';
import { confirmVersions, lockUnsettled } from '../shared/tables/ledger.ts';
import { filterVersions } from '../shared/tables/versions.ts';

/**
 * Settles counts of versions that nobody reported for 72 h: confirmed when the version is in its shard, taken back when
 * it is not. A shard that cannot be asked throws, and nothing changes. Answers how many it settled.
 */
export async function settleLedger(databases: Databases, limit: number): Promise<number> {
  return await transaction(databases.blocks, async (sql) => {
    const unsettled = await lockUnsettled(sql, limit);
    const byShard = Map.groupBy(unsettled, ({ user_id }) => databases.shardOf(user_id));
    const visible = new Set<string>();
    for (const [shard, versions] of byShard) {
      const ids = versions.map(({ version_id }) => version_id);
      for (const id of await filterVersions(shard.pool, shard, ids)) visible.add(id);
    }
    const ids = unsettled.map(({ version_id }) => version_id);
    await confirmVersions(sql, [...visible]);
    await lowerReferencesIn(
      sql,
      ids.filter((id) => !visible.has(id)),
    );
    return unsettled.length;
  });
}
