import type { PoolClient } from 'pg';
import type { Change } from '../../../protocol/changes.ts';
import { limits } from '../../../protocol/limits.ts';
import { fitting, PAGE_BLOCKS } from '../answers/answer-size.ts';
import type { Namespace, Shard } from '../database/rows.ts';
import { ms } from '../database/sql.ts';
import { type EntryRow, entryColumns, toEntry } from './files.ts';
import { VERSION_RECORD } from './new-versions.ts';

interface ChangeRow extends EntryRow {
  seq: number;
  change_type: Change['change_type'];
  moved_from: string | null;
  origin_device: string;
  created_ms: number;
}

/** Adds the changes that new versions are, see `versionRecords`. */
export async function insertChanges({ sql, schema, id }: Namespace<PoolClient>, records: string): Promise<void> {
  await sql.query(
    `insert into ${schema}.changes (user_id, seq, version_id, moved_from)
     select $2, seq, version_id, moved_from from json_to_recordset($1) ${VERSION_RECORD}`,
    [records, id],
  );
}

/** The changes after `cursor`, in order: at most `limit`, and no more than fit an answer, but at least one. */
export async function listChanges(
  { sql, schema, id }: Namespace,
  { cursor, limit }: { cursor: number; limit: number },
): Promise<Change[]> {
  const { rows } = await sql.query<ChangeRow>(
    `with page as (
       select c.seq, c.version_id, c.moved_from,
         sum(cardinality(v.block_hashes)) over (order by c.seq) as blocks
       from (select seq, version_id, moved_from from ${schema}.changes
             where user_id = $1 and seq > $2 order by seq limit $3) c
       join ${schema}.file_versions v using (version_id))
     select p.seq, v.change_type, p.moved_from, v.origin_device, ${ms('v.created_at')} as created_ms,
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
