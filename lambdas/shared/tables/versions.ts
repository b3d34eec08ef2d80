import type { PoolClient } from 'pg';
import type { Difference } from '../../../protocol/compare.ts';
import type { HistoryResponse } from '../../../protocol/history.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Namespace, Shard, Sql } from '../database/rows.ts';
import { atOrBelow, ms } from '../database/sql.ts';
import { type EntryRow, entryColumns, fileAt } from './files.ts';

export interface VersionRow extends EntryRow {
  file_id: string;
  change_type: 'create' | 'update' | 'delete' | 'move';
}

export interface VersionName {
  path: string;
  /** The current version if absent. */
  version?: number | undefined;
}

/**
 * The user's own versions by name, in the order of `names`; `undefined` where there is none. A version keeps the name
 * that it was made under, a path and a number there that never comes again: whatever file moves to that path later, the
 * name stands for the same content.
 */
export async function findVersions(
  { sql, schema, id }: Namespace,
  names: readonly VersionName[],
): Promise<(VersionRow | undefined)[]> {
  if (names.length === 0) return [];
  const { rows } = await sql.query<VersionRow & { position: number }>(
    `select wanted.position, v.file_id, v.change_type, ${entryColumns('v')}
     from unnest($2::text[], $3::int[]) with ordinality wanted(path, version, position)
     cross join lateral (
       select o.* from ${schema}.file_versions o
       where o.user_id = $1 and o.path = wanted.path and o.version = coalesce(wanted.version, (
         select version from ${schema}.files where user_id = $1 and path = wanted.path and deleted_at is null))) v`,
    [id, names.map(({ path }) => path), names.map(({ version }) => version ?? null)],
  );
  const found = new Map(rows.map((row) => [Number(row.position), row]));
  return names.map((_, index) => found.get(index + 1));
}

/** The versions below `before` of the file that is, or was last, at the path, newest first. */
export async function listHistory(
  namespace: Namespace,
  path: string,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<HistoryResponse['versions']> {
  const { rows } = await namespace.sql.query<HistoryResponse['versions'][number]>(
    `select v.path, v.kind, v.size_bytes as size, v.mtime_ms, v.mode, v.version, v.change_type,
       v.origin_device as device_id, ${ms('v.created_at')} as created_at, v.change_type <> 'delete' as restorable
     from ${namespace.schema}.file_versions v
     where v.file_id = (select file_id from ${fileAt(namespace, '$1', '$2')} file)
       and ($3::int is null or v.version < $3)
     order by v.version desc limit $4`,
    [namespace.id, path, before ?? null, limit],
  );
  return rows;
}

/** Notes that the current versions of these files are no longer current. */
export async function supersedeVersions({ sql, schema }: Shard<PoolClient>, fileIds: readonly string[]): Promise<void> {
  if (fileIds.length === 0) return;
  await sql.query(
    `update ${schema}.file_versions set superseded_at = now() where file_id = any($1) and superseded_at is null`,
    [fileIds],
  );
}

/** Part of `writeVersions`: adds the new versions, as far as their ids were not there before. */
export function insertVersions({ schema }: Shard): string {
  return `insert into ${schema}.file_versions (version_id, file_id, user_id, version, path, kind, change_type,
      block_hashes, block_sizes, size_bytes, mtime_ms, mode, origin_device, superseded_at)
    select version_id, file_id, $2, version, path, kind, change_type, block_hashes, block_sizes, size_bytes,
      mtime_ms, mode, $3, case when change_type = 'delete' then now() end
    from new
    on conflict (version_id) do nothing`;
}

/**
 * Adds the versions that a move of these files, which was written, has made; the ids of files and versions are in one
 * order. Returns how many were not there before.
 */
export async function insertMovedVersions(
  { sql, schema, id }: Namespace<PoolClient>,
  { fileIds, versionIds }: { fileIds: readonly string[]; versionIds: readonly string[] },
  deviceId: string,
): Promise<number> {
  const { rowCount } = await sql.query(
    `insert into ${schema}.file_versions (version_id, file_id, user_id, version, path, kind, change_type,
       block_hashes, block_sizes, size_bytes, mtime_ms, mode, origin_device)
     select new.version_id, file_id, $1, f.version, f.path, f.kind, 'move',
       f.block_hashes, f.block_sizes, f.size_bytes, f.mtime_ms, f.mode, $4
     from unnest($2::uuid[], $3::uuid[]) new(file_id, version_id) join ${schema}.files f using (file_id)
     on conflict (version_id) do nothing`,
    [id, fileIds, versionIds, deviceId],
  );
  return rowCount ?? 0;
}

/** The highest number that a version at the path, or below it, has or had; 0 where none is kept. */
export async function highestVersion({ sql, schema, id }: Namespace, path: string): Promise<number> {
  const { rows } = await sql.query<{ highest: number | null }>(
    `select max(version) as highest from ${schema}.file_versions
     where user_id = $1 and ${atOrBelow('path', '$2')}`,
    [id, path],
  );
  return rows[0]!.highest ?? 0;
}

/** Removes versions. Returns their files, and whose they were. */
export async function removeVersions(
  { sql, schema }: Shard<PoolClient>,
  versionIds: readonly string[],
): Promise<{ fileId: string; id: string }[]> {
  const { rows } = await sql.query<{ fileId: string; id: string }>(
    `delete from ${schema}.file_versions where version_id = any($1) returning file_id as "fileId", user_id as id`,
    [versionIds],
  );
  return rows;
}

/** Which of the version ids exist in the shard. */
export async function filterVersions({ sql, schema }: Shard, versionIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql.query<{ version_id: string }>(
    `select version_id from ${schema}.file_versions where version_id = any($1)`,
    [versionIds],
  );
  return rows.map(({ version_id }) => version_id);
}

/** Whether every version that was current at that moment, milliseconds since 1970, is still there. */
export async function isKept(sql: Sql, at: number): Promise<boolean> {
  const { rows } = await sql.query<{ kept: boolean }>(
    `select $1::int8 between ${ms(`now() - $2 * interval '1 day'`)} and ${ms('now()')} as kept`,
    [at, limits.historyDays],
  );
  return rows[0]!.kept;
}

interface DifferenceRow {
  path: string;
  now: Difference['now'] | null;
  before: Difference['before'] | null;
}

/**
 * Where the tree at or below `path` (all of it for '') is not what it was at a moment, after the path `after`, by path.
 * A version was current from its creation until it was superseded; a path that holds the same content and mode under
 * another version number does not count.
 */
export async function listDifferences(
  { sql, schema, id }: Namespace,
  { at, path, after, limit }: { at: number; path: string; after: string; limit: number },
): Promise<Difference[]> {
  const inside = `user_id = $1 and path > $4 collate "C" and ($3 = '' or ${atOrBelow('path', '$3')})`;
  const side = (alias: string) => `case when ${alias}.path is not null then json_build_object(
    'version', ${alias}.version, 'kind', ${alias}.kind, 'size', ${alias}.size_bytes, 'mtime_ms', ${alias}.mtime_ms,
    'mode', ${alias}.mode) end`;
  const { rows } = await sql.query<DifferenceRow>(
    `with past as (
       select distinct on (path) * from ${schema}.file_versions
       where ${inside} and change_type <> 'delete'
         and created_at <= to_timestamp($2 / 1000.0) and coalesce(superseded_at, 'infinity') > to_timestamp($2 / 1000.0)
       order by path, version desc),
     present as (select * from ${schema}.files where ${inside} and deleted_at is null)
     select path, ${side('present')} as now, ${side('past')} as before
     from past full join present using (path)
     where (past.kind, past.block_hashes, past.mode) is distinct from (present.kind, present.block_hashes, present.mode)
     order by path limit $5`,
    [id, at, path, after, limit],
  );
  return rows.map(({ path, now, before }) => ({ path, ...(now && { now }), ...(before && { before }) }));
}
