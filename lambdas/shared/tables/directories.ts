import { nameOf, parentOf } from '../../../protocol/path.ts';
import type { TreeResponse } from '../../../protocol/tree.ts';
import type { TreeItem } from '../../../protocol/tree-hash.ts';
import { fitting, PAGE_BLOCKS } from '../answers/answer-size.ts';
import { toBytes, toHexes } from '../database/ids.ts';
import type { Namespace, Shard } from '../database/rows.ts';
import { atOrBelow } from '../database/sql.ts';
import { type EntryRow, entryColumns, toEntry } from './files.ts';

/** Part of `bookCommits`: marks directories to be hashed anew. */
export function forgetTreeHashes({ schema }: Shard): string {
  return `insert into ${schema}.directories as known (user_id, path, parent, tree_hash)
    select $1, path, parent, null from changed
    on conflict (user_id, path) do update set tree_hash = null where known.tree_hash is not null
    returning xmax = 0 as fresh`;
}

/** Some directories at or below `path` without a hash: each comes after all that lie in it. */
export async function listStale({ sql, schema, id }: Namespace, path: string, limit: number): Promise<string[]> {
  // What lies in a directory follows it in the byte order, so that backwards it comes first.
  const { rows } = await sql.query<{ path: string }>(
    `select path from ${schema}.directories
     where user_id = $1 and tree_hash is null
       and ($2 = '' or ${atOrBelow('path', '$2')})
     order by path desc limit $3`,
    [id, path, limit],
  );
  return rows.map((row) => row.path);
}

/** What one statement lists at most: a directory may hold more than a statement has time for. */
export const ITEMS_PER_STATEMENT = 20_000;

/**
 * What lies in each of the directories, `undefined` where that is more than one statement lists. The hashes of their
 * subdirectories have to be known.
 */
export async function listItems(
  namespace: Namespace,
  directories: readonly string[],
): Promise<Map<string, TreeItem[]> | undefined> {
  const items = await readItems(namespace, directories);
  return items.length < ITEMS_PER_STATEMENT ? Map.groupBy(items, ({ path }) => parentOf(path)) : undefined;
}

type Item = TreeItem & { readonly path: string };
type ItemRow = Omit<Item, 'name' | 'hashes'> & { readonly hashes: Buffer[] };

const toItem = ({ path, hashes, ...row }: ItemRow): Item => ({
  path,
  name: nameOf(path),
  hashes: toHexes(hashes),
  ...row,
});

const itemColumns = `path, coalesce(f.kind, 'directory') as kind, coalesce(f.version, 0) as version,
  case when d.tree_hash is null then f.block_hashes else array[d.tree_hash] end as hashes`;

/** What lies in some directories; as many as one statement lists when there is more, and then whichever. */
async function readItems({ sql, schema, id }: Namespace, directories: readonly string[]): Promise<Item[]> {
  const { rows } = await sql.query<ItemRow>(
    `select ${itemColumns}
     from (select path, kind, version, block_hashes from ${schema}.files
           where user_id = $1 and parent = any($2) and deleted_at is null limit ${ITEMS_PER_STATEMENT}) f
     full join (select path, tree_hash from ${schema}.directories
                where user_id = $1 and parent = any($2) limit ${ITEMS_PER_STATEMENT}) d using (path)
     limit ${ITEMS_PER_STATEMENT}`,
    [id, directories],
  );
  return rows.map(toItem);
}

/** What lies in one directory, by name in the order of the UTF-8 bytes, as much at a time as one statement lists. */
export async function* itemsInPages({ sql, schema, id }: Namespace, directory: string): AsyncGenerator<TreeItem[]> {
  for (let last = ''; ; ) {
    const { rows } = await sql.query<ItemRow>(
      `select ${itemColumns}
       from (select path, kind, version, block_hashes from ${schema}.files
             where user_id = $1 and parent = $2 and path > $3 collate "C" and deleted_at is null
             order by path limit ${ITEMS_PER_STATEMENT}) f
       full join (select path, tree_hash from ${schema}.directories
                  where user_id = $1 and parent = $2 and path > $3 collate "C"
                  order by path limit ${ITEMS_PER_STATEMENT}) d using (path)
       order by path limit ${ITEMS_PER_STATEMENT}`,
      [id, directory, last],
    );
    yield rows.map(toItem);
    if (rows.length < ITEMS_PER_STATEMENT) return;
    last = rows.at(-1)!.path;
  }
}

/** Keeps the hashes, hex, of directories, in the same order. */
export async function putTreeHashes(
  { sql, schema, id }: Namespace,
  paths: readonly string[],
  hashes: readonly string[],
): Promise<void> {
  await sql.query(
    `update ${schema}.directories d set tree_hash = new.hash
     from unnest($2::text[], $3::bytea[]) new(path, hash) where d.user_id = $1 and d.path = new.path`,
    [id, paths, toBytes(hashes)],
  );
}

/** Removes those of the directories, which have nothing in them, that are no entry themselves; the root stays. Returns how many. */
export async function forgetEmptyDirectories(
  { sql, schema, id }: Namespace,
  paths: readonly string[],
): Promise<number> {
  const { rowCount } = await sql.query(
    `delete from ${schema}.directories d
     where d.user_id = $1 and d.path = any($2) and d.path <> '' and not exists (
       select from ${schema}.files f
       where f.user_id = $1 and f.path = d.path and f.kind = 'directory' and f.deleted_at is null)`,
    [id, paths],
  );
  return rowCount ?? 0;
}

/** The hash of a directory, hex; `undefined` when there is none. */
export async function findTreeHash({ sql, schema, id }: Namespace, path: string): Promise<string | undefined> {
  const { rows } = await sql.query<{ hash: string }>(
    `select encode(tree_hash, 'hex') as hash from ${schema}.directories where user_id = $1 and path = $2`,
    [id, path],
  );
  return rows[0]?.hash;
}

/** What lies in a directory, by name, after the name `after`: at most `limit`, and no more than fits an answer. */
export async function listDirectory(
  { sql, schema, id }: Namespace,
  directory: string,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<{ entries: TreeResponse['entries']; more: boolean }> {
  const prefix = directory === '' ? '' : `${directory}/`;
  type Row = EntryRow & { place: string; has_entry: boolean; tree_hash: string | null; available: number };
  const { rows } = await sql.query<Row>(
    `select place, has_entry, tree_hash, available, ${entryColumns('page')}
     from (
       select f.*, place, f.path is not null as has_entry, encode(d.tree_hash, 'hex') as tree_hash,
         row_number() over places as number, count(*) over () as available,
         sum(coalesce(cardinality(f.block_hashes), 0)) over places as blocks
       from (select * from ${schema}.files
             where user_id = $1 and parent = $2 and path > $3 collate "C" and deleted_at is null
             order by path limit $4 + 1) f
       full join (select path, tree_hash from ${schema}.directories
                  where user_id = $1 and parent = $2 and path > $3 collate "C"
                  order by path limit $4 + 1) d on d.path = f.path
       cross join lateral coalesce(f.path, d.path) place
       window places as (order by place)) page
     where number <= $4 and (blocks <= ${PAGE_BLOCKS} or number = 1)
     order by number`,
    [id, directory, prefix + (after ?? ''), limit],
  );
  const found = rows.map(({ place, has_entry, tree_hash, ...row }) => ({
    name: nameOf(place),
    ...(has_entry && { entry: toEntry(row) }),
    ...(tree_hash !== null && { tree_hash }),
  }));
  const entries = fitting(found);
  return { entries, more: entries.length < (rows[0]?.available ?? 0) };
}
