import type { FileChanged } from '../../protocol/file-changed.ts';
import type { Databases } from '../shared/database/database.ts';
import { type Namespace, ownNamespace, personOf } from '../shared/database/rows.ts';
import { confirmVersions } from '../shared/tables/ledger.ts';

/** Confirms the counts of the versions that the stream reports. Returns how many. */
export async function confirmCounts(databases: Databases, events: readonly FileChanged[]): Promise<number> {
  const versions = events.map(({ version_id }) => version_id);
  for (const { user_id, cursor, entries } of events) {
    if (entries === undefined) continue;
    const namespace = ownNamespace(personOf(databases, user_id));
    versions.push(...(await listVersions(namespace, cursor, cursor + entries - 1)));
  }
  return await confirmVersions(databases.blocks, versions);
}

/** The versions that some changes made, as far as these are still kept. */
async function listVersions({ sql, schema, id }: Namespace, first: number, last: number): Promise<string[]> {
  const { rows } = await sql.query<{ version_id: string }>(
    `select version_id from ${schema}.changes where user_id = $1 and seq between $2 and $3`,
    [id, first, last],
  );
  return rows.map(({ version_id }) => version_id);
}
