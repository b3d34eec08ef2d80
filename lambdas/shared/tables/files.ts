import type { PoolClient } from 'pg';
import type { Entry } from '../../../protocol/entry.ts';
import { toHexes } from '../database/ids.ts';
import type { Namespace, Shard } from '../database/rows.ts';
import { atOrBelow } from '../database/sql.ts';
import type { NewVersion } from './new-versions.ts';

export type Kind = Entry['kind'];

/** What is, and was last, at one path. */
export interface Target {
  path: string;
  /** The live file or directory there. */
  file_id: string | null;
  kind: Kind | null;
  version: number | null;
  size_bytes: number | null;
  /** The file that was deleted there last, when nothing is there. */
  deleted_file_id: string | null;
  deleted_kind: Kind | null;
  /**
   * No version at this path had a higher number. Once those that were there are no longer kept, it is the number of the
   * newest change that is no longer kept, which none of them can have passed: each took a change of its own.
   */
  last_version: number;
}

export async function findTargets(
  { sql, schema, id }: Namespace,
  paths: readonly string[],
): Promise<Map<string, Target>> {
  const { rows } = await sql.query<Target>(
    `select wanted.path, live.file_id, live.kind, live.version, live.size_bytes,
       deleted.file_id as deleted_file_id, deleted.kind as deleted_kind,
       coalesce((select max(v.version) from ${schema}.file_versions v
                 where v.user_id = $1 and v.path = wanted.path),
                (select a.forgotten_seq from ${schema}.accounts a where a.user_id = $1), 0) as last_version
     from unnest($2::text[]) wanted(path)
     left join ${schema}.files live on live.user_id = $1 and live.path = wanted.path and live.deleted_at is null
     left join lateral (
       select d.file_id, d.kind from ${schema}.files d
       where live.file_id is null and d.user_id = $1 and d.path = wanted.path and d.deleted_at is not null
       order by d.deleted_at desc, d.version desc limit 1) deleted on true`,
    [id, paths],
  );
  return new Map(rows.map((row) => [row.path, row]));
}

/**
 * The file that is, or was last, at a path, as a subquery of one row or none: file_id, version and deleted_at. Live and
 * deleted files have an index each.
 * @param user and path: SQL expressions
 */
export function fileAt({ schema }: Shard, user: string, path: string): string {
  const here = `select file_id, version, deleted_at from ${schema}.files where user_id = ${user} and path = ${path}`;
  return `(${here} and deleted_at is null
    union all (${here} and deleted_at is not null order by deleted_at desc, version desc limit 1)
    order by deleted_at desc nulls first limit 1)`;
}

/** Which of the paths in $2 have something live below them, other than the paths in $3. */
function parents({ schema }: Shard): string {
  // '0' follows '/' in the byte order, so the range holds exactly the paths that begin with `path/`. The first of them by
  // the index of paths: “exists” is taken for a join, which compares each path with each file of the user.
  return `select wanted.path from unnest($2::text[]) wanted(path)
    cross join lateral (
      select from ${schema}.files f
      where f.user_id = $1 and f.deleted_at is null
        and f.path > (wanted.path || '/') collate "C" and f.path < (wanted.path || '0') collate "C"
        and f.path <> all($3::text[])
      order by f.path limit 1) below`;
}

/** Which of the paths have something live below them, other than the paths in `except`. */
export async function filterParents(
  namespace: Namespace,
  paths: readonly string[],
  except: readonly string[],
): Promise<string[]> {
  if (paths.length === 0) return [];
  const { rows } = await namespace.sql.query<{ path: string }>(parents(namespace), [namespace.id, paths, except]);
  return rows.map(({ path }) => path);
}

/**
 * What may be in the way of new paths: which of `places` are `parents`, as `filterParents`, and which of `above` are live
 * files or links, so that nothing can lie below them.
 */
export async function findObstacles(
  namespace: Namespace,
  { places, above, except }: { places: readonly string[]; above: readonly string[]; except: readonly string[] },
): Promise<{ parents: string[]; files: string[] }> {
  if (places.length === 0 && above.length === 0) return { parents: [], files: [] };
  const { rows } = await namespace.sql.query<{ path: string; is_file: boolean }>(
    `select path, false as is_file from (${parents(namespace)}) parents
     union all
     select path, true from ${namespace.schema}.files
     where user_id = $1 and path = any($4) and kind <> 'directory' and deleted_at is null`,
    [namespace.id, places, except, above],
  );
  const pathsOf = (isFile: boolean): string[] => rows.filter((row) => row.is_file === isFile).map(({ path }) => path);
  return { parents: pathsOf(false), files: pathsOf(true) };
}

/** What is at a path or below it, before it moves. */
export interface FolderRow {
  file_id: string;
  path: string;
  kind: Kind;
  version: number;
  block_hashes: Buffer[];
  block_sizes: number[];
}

/** How many entries are at a path or below it, and how many blocks they have. */
export async function sizeOfFolder(
  { sql, schema, id }: Namespace,
  path: string,
): Promise<{ entries: number; blocks: number }> {
  const { rows } = await sql.query<{ entries: number; blocks: number }>(
    `select count(*) as entries, coalesce(sum(cardinality(block_hashes)), 0) as blocks from ${schema}.files
     where user_id = $1 and deleted_at is null and ${atOrBelow('path', '$2')}`,
    [id, path],
  );
  return rows[0]!;
}

/** What is at a path or below it, in the order of the paths. */
export async function listFolder({ sql, schema, id }: Namespace, path: string): Promise<FolderRow[]> {
  const { rows } = await sql.query<FolderRow>(
    `select file_id, path, kind, version, block_hashes, block_sizes from ${schema}.files
     where user_id = $1 and deleted_at is null and ${atOrBelow('path', '$2')}
     order by path`,
    [id, path],
  );
  return rows;
}

/** Whether these files, in these versions, are all that is at a path or below it. */
export async function isWholeFolder(
  { sql, schema, id }: Namespace,
  path: string,
  files: readonly Pick<FolderRow, 'file_id' | 'version'>[],
): Promise<boolean> {
  const { rows } = await sql.query<{ found: number; known: number }>(
    `select count(*) as found, count(known.file_id) as known
     from ${schema}.files f
     left join unnest($3::uuid[], $4::int[]) known(file_id, version)
       on (known.file_id, known.version) = (f.file_id, f.version)
     where f.user_id = $1 and f.deleted_at is null and ${atOrBelow('f.path', '$2')}`,
    [id, path, files.map(({ file_id }) => file_id), files.map(({ version }) => version)],
  );
  const { found, known } = rows[0]!;
  return found === files.length && known === files.length;
}

/** Moves what is at a path, and below it, to where nothing is, and gives all of it this version. */
export async function moveFolderFiles(
  { sql, schema, id }: Namespace<PoolClient>,
  { from, to, version }: { from: string; to: string; version: number },
): Promise<void> {
  await sql.query(
    `update ${schema}.files
     set path = $3 || substr(path, length($2) + 1), version = $4, last_modified = now()
     where user_id = $1 and deleted_at is null and ${atOrBelow('path', '$2')}`,
    [id, from, to, version],
  );
}

/** Frees the paths of live files, which get new ones. */
export async function leavePaths({ sql, schema }: Shard<PoolClient>, fileIds: readonly string[]): Promise<void> {
  if (fileIds.length === 0) return;
  await sql.query(`update ${schema}.files set deleted_at = coalesce(deleted_at, now()) where file_id = any($1)`, [
    fileIds,
  ]);
}

/** Part of `writeVersions`: makes the new versions the files' current ones; a deletion leaves its file deleted. */
export function putFiles({ schema }: Shard): string {
  return `insert into ${schema}.files (file_id, user_id, path, kind, version, block_hashes, block_sizes, size_bytes,
      mtime_ms, mode, deleted_at)
    select file_id, $2, path, kind, version, block_hashes, block_sizes, size_bytes, mtime_ms, mode,
      case when change_type = 'delete' then now() end
    from new
    on conflict (file_id) do update
    set path = excluded.path, version = excluded.version, block_hashes = excluded.block_hashes,
      block_sizes = excluded.block_sizes, size_bytes = excluded.size_bytes, mtime_ms = excluded.mtime_ms,
      mode = excluded.mode, last_modified = now(), deleted_at = excluded.deleted_at`;
}

/** Removes those of the files that are deleted and have no version left. */
export async function removeForgottenFiles(
  { sql, schema }: Shard<PoolClient>,
  fileIds: readonly string[],
): Promise<void> {
  await sql.query(
    `delete from ${schema}.files f where f.file_id = any($1) and f.deleted_at is not null
       and not exists (select from ${schema}.file_versions v where v.file_id = f.file_id)`,
    [[...new Set(fileIds)]],
  );
}

type EntryParts = Pick<NewVersion, 'path' | 'kind' | 'size' | 'mtimeMs' | 'mode' | 'hashes' | 'sizes'>;

export interface EntryRow {
  path: string;
  kind: Kind;
  version: number;
  block_hashes: Buffer[];
  block_sizes: number[];
  size_bytes: number;
  mtime_ms: number;
  mode: number;
}

/** The columns of an `EntryRow`, of the table with the given alias. */
export function entryColumns(alias: string): string {
  return ['path', 'kind', 'version', 'block_hashes', 'block_sizes', 'size_bytes', 'mtime_ms', 'mode']
    .map((column) => `${alias}.${column}`)
    .join(', ');
}

export function toEntry(row: EntryRow): Entry {
  const { path, kind, size_bytes: size, mtime_ms: mtimeMs, mode, block_sizes: sizes } = row;
  return entryOf({ path, kind, size, mtimeMs, mode, hashes: toHexes(row.block_hashes), sizes }, row.version);
}

/** A file as calls and versions have it, as an entry. */
export function entryOf({ path, kind, size, mtimeMs, mode, hashes, sizes }: EntryParts, version: number): Entry {
  const blocks = hashes.map((hash, index) => ({ hash, size: sizes[index]! }));
  return { path, kind, size, mtime_ms: mtimeMs, mode, version, blocks };
}
