import type { PoolClient } from 'pg';
import type { Change } from '../../../protocol/changes.ts';
import { limits } from '../../../protocol/limits.ts';
import { fitting, PAGE_BLOCKS } from '../answers/answer-size.ts';
import type { Namespace, Shard } from '../database/rows.ts';
import { ms } from '../database/sql.ts';
import { type EntryRow, entryColumns, toEntry } from './files.ts';

interface ChangeRow extends EntryRow {
  seq: number;
  change_type: Change['change_type'];
  moved_from: string | null;
  entries: number | null;
  origin_device: string;
  created_ms: number;
}

/** Part of `writeVersions`: adds the changes that the new versions are. */
export function insertChanges({ schema }: Shard): string {
  return `insert into ${schema}.changes (user_id, seq, version_id, moved_from)
    select $2, seq, version_id, moved_from from new`;
}

/** Adds the changes of a folder that moved, from `first` on: one for each of the versions, in the order of their paths. */
export async function insertFolderChanges(
  { sql, schema, id }: Namespace<PoolClient>,
  versionIds: readonly string[],
  { from, to, first }: { from: string; to: string; first: number },
): Promise<void> {
  await sql.query(
    `insert into ${schema}.changes (user_id, seq, version_id, moved_from, entries)
     select $1, $5 + place - 1, version_id, $3 || substr(path, length($4) + 1),
       case when place = 1 then cardinality($2) end
     from (select version_id, path, row_number() over (order by path) as place
           from ${schema}.file_versions where version_id = any($2::uuid[])) v`,
    [id, versionIds, from, to, first],
  );
}

/**
 * The changes after `cursor`, in order: at most `limit`, and no more than fit an answer, but at least one. A folder that
 * moved whole is one of them; from a cursor that is among its own changes, they come one by one.
 */
export async function listChanges(
  { sql, schema, id }: Namespace,
  { cursor, limit }: { cursor: number; limit: number },
): Promise<Change[]> {
  const { rows } = await sql.query<ChangeRow>(
    `with page as (
       select c.seq, c.version_id, c.moved_from, c.entries,
         sum(cardinality(v.block_hashes)) over (order by c.seq) as blocks
       from (select *, max(seq + entries) over (order by seq) as next
             from (select seq, version_id, moved_from, entries from ${schema}.changes
                   where user_id = $1 and seq > $2 order by seq limit $3) c) c
       join ${schema}.file_versions v using (version_id)
       where c.entries is not null or c.next is null or c.seq >= c.next)
     select p.seq, v.change_type, p.moved_from, p.entries, v.origin_device, ${ms('v.created_at')} as created_ms,
       ${entryColumns('v')}
     from page p join ${schema}.file_versions v using (version_id)
     where p.blocks <= ${PAGE_BLOCKS} or p.seq = $2 + 1
     order by p.seq`,
    [id, cursor, limit],
  );
  const changes = rows.map((row) => ({
    cursor: row.seq,
    change_type: row.change_type,
    entry: toEntry(row),
    ...(row.moved_from !== null && { moved_from: row.moved_from }),
    ...(row.entries !== null && { entries: row.entries }),
    device_id: row.origin_device,
    timestamp: row.created_ms,
  }));
  return fitting(changes);
}

/** The changes `c` from before the history's time. */
export const OUTDATED_CHANGE = `c.created_at < now() - interval '${limits.historyDays} days'`;

/** Removes some of these, oldest first. Returns them, by the ids of their namespaces. */
export async function removeOldChanges(
  { sql, schema }: Shard<PoolClient>,
  limit: number,
): Promise<{ id: string; seq: number }[]> {
  const { rows } = await sql.query<{ id: string; seq: number }>(
    `with old as (
       select c.user_id, c.seq from ${schema}.changes c
       where ${OUTDATED_CHANGE} order by c.created_at, c.seq limit $1 for update skip locked)
     delete from ${schema}.changes c using old where (c.user_id, c.seq) = (old.user_id, old.seq)
     returning c.user_id as id, c.seq`,
    [limit],
  );
  return rows;
}
