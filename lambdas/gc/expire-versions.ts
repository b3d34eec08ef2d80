import { limits } from '../../protocol/limits.ts';
import { lowerReferences } from '../shared/commit/references.ts';
import { keptBytes } from '../shared/commit/room.ts';
import { within } from '../shared/database/database.ts';
import { toHexes } from '../shared/database/ids.ts';
import type { Database, Shard } from '../shared/database/rows.ts';
import { firstBlocks } from '../shared/database/sql.ts';
import { lockAccounts, releaseBytes } from '../shared/tables/accounts.ts';
import { removeForgottenFiles } from '../shared/tables/files.ts';
import { releaseHolds } from '../shared/tables/held-blocks.ts';
import { reopenVersions } from '../shared/tables/ledger.ts';
import { filterVersions, removeVersions } from '../shared/tables/versions.ts';

/** The versions `v` whose time is over: superseded, or made by a delete, 30 days ago; never the newest of a live file. */
export const OVERDUE = `v.superseded_at < now() - interval '${limits.historyDays} days'`;

/** Of these, the ones that no kept change refers to. */
const expired = (schema: string) => `${OVERDUE}
  and not exists (select from ${schema}.changes c where c.version_id = v.version_id)`;

/**
 * Removes some expired versions. Their ledger rows open first and close last, so that counts fall only after the
 * versions are gone, and the sweep settles whatever a crash leaves in between. Returns how many it took up.
 */
export async function expireVersions(blocks: Database, shard: Shard<Database>, limit: number): Promise<number> {
  const { rows } = await shard.sql.query<{ version_id: string; user_id: string; block_hashes: Buffer[] }>(
    `select version_id, user_id, block_hashes from ${firstBlocks(
      `select v.* from ${shard.schema}.file_versions v
       where ${expired(shard.schema)} order by v.superseded_at limit $1`,
      'superseded_at, version_id',
    )} first`,
    [limit],
  );
  if (rows.length === 0) return 0;
  await reopenVersions(
    blocks,
    rows.map((row) => ({
      versionId: row.version_id,
      namespaceId: row.user_id,
      hashes: [...new Set(toHexes(row.block_hashes))],
    })),
  );
  const ids = rows.map(({ version_id }) => version_id);
  const gone = await letGo(
    shard,
    ids,
    rows.map(({ user_id }) => user_id),
  );
  await lowerReferences(blocks, gone, 'leaving');
  return rows.length;
}

async function letGo(shard: Shard<Database>, ids: readonly string[], namespaces: readonly string[]): Promise<string[]> {
  return await within(shard, async (shard) => {
    await lockAccounts(shard, namespaces);
    // Asked again under the lock: another run may have removed some, and their holds, before.
    const gone = await filterVersions(shard, ids);
    const blocks = await releaseHolds(shard, gone, keptBytes(0));
    const removed = await removeVersions(shard, gone);
    await removeForgottenFiles(
      shard,
      removed.map(({ fileId }) => fileId),
    );
    const versions = removed.map(({ id }) => ({ id, kept: keptBytes(0) }));
    await releaseBytes(
      shard,
      [...blocks, ...versions].map((freed) => ({ reserved: 0, ...freed })),
    );
    return gone;
  });
}
