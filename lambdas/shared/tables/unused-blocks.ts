import { transaction } from '../database/database.ts';
import { toBytes } from '../database/ids.ts';
import type { Database } from '../database/rows.ts';
import { byteaText } from '../database/sql.ts';
import { removeContents } from './contents.ts';
import { endPacks } from './packs.ts';

/** Unused since before the grace period, no open upload keeps it, and no content lies in it. By the database's clock. */
export const UNUSED = `b.ref_count = 0 and b.delete_after < now()
  and not exists (select from blocks.contents c where c.pack_hash = b.block_hash)
  and not exists (select from blocks.pins p where p.block_hash = b.block_hash and p.keeps_until > now())`;

/** Seconds since the oldest block that is still there could have been deleted; 0 when there is none. */
export async function collectionLag(blocks: Database): Promise<number> {
  const { rows } = await blocks.query<{ lag: number }>(
    `select coalesce(extract(epoch from now() - min(b.delete_after)), 0)::int as lag from blocks.blocks b where ${UNUSED}`,
  );
  return rows[0]?.lag ?? 0;
}

/** What the second step takes: blocks that the first one condemned, never sent or damaged ones, and what an earlier run left. */
const CONDEMNED = `((b.state in ('condemned', 'pending', 'quarantined') and ${UNUSED}) or (b.state = 'deleting' and b.delete_after < now()))`;

/** No object version that is to be deleted is noted: the store has to be asked which there are. */
const UNLISTED = `(b.state <> 'deleting' or coalesce(cardinality(b.object_versions), 0) = 0)`;

/** A block to delete of which no object version is noted. */
export interface Unlisted {
  hash: string;
  /** The store has no object of it. */
  bare: boolean;
}

export interface Doomed {
  hash: string;
  /** The object versions to delete, and no other. */
  versions: string[];
}

/** Condemns some blocks that are unused and live. Returns how many. */
export async function condemnBlocks(blocks: Database, limit: number): Promise<number> {
  return await transaction(blocks, async (sql) => {
    const { rows: locked } = await sql.query<{ block_hash: Buffer }>(
      `select b.block_hash from blocks.blocks b where b.state = 'live' and ${UNUSED}
       order by b.delete_after limit $1 for update skip locked`,
      [limit],
    );
    const { rowCount } = await sql.query(
      `update blocks.blocks b set state = 'condemned' where b.block_hash = any($1) and ${UNUSED}`,
      [locked.map(({ block_hash }) => block_hash)],
    );
    return rowCount ?? 0;
  });
}

/** Some blocks to delete of which no object version is noted, the longest unused first. */
export async function listUnlisted(blocks: Database, limit: number): Promise<Unlisted[]> {
  const { rows } = await blocks.query<Unlisted>(
    `select encode(b.block_hash, 'hex') as hash, b.objects = 'none' as bare from blocks.blocks b
     where ${CONDEMNED} and ${UNLISTED} order by b.delete_after limit $1`,
    [limit],
  );
  return rows;
}

/** Notes what is to be deleted of those blocks that are still unused, and as bare as they were; answers these. */
export async function doomBlocks(blocks: Database, listed: readonly (Doomed & Unlisted)[]): Promise<Doomed[]> {
  if (listed.length === 0) return [];
  return await transaction(blocks, async (sql) => {
    const { rows: locked } = await sql.query<{ hash: string }>(
      `select encode(block_hash, 'hex') as hash from blocks.blocks where block_hash = any($1) for update skip locked`,
      [toBytes(listed.map(({ hash }) => hash))],
    );
    const free = new Set(locked.map(({ hash }) => hash));
    const { rows } = await sql.query<Doomed>(
      `update blocks.blocks b set state = 'deleting', object_versions = listed.versions
       from json_to_recordset($1) listed(hash bytea, versions text[], bare bool)
       where b.block_hash = listed.hash and ${CONDEMNED} and ${UNLISTED} and (not listed.bare or b.objects = 'none')
       returning encode(b.block_hash, 'hex') as hash, b.object_versions as versions`,
      [toRecords(listed.filter(({ hash }) => free.has(hash)))],
    );
    return rows;
  });
}

/** Some blocks under deletion with the first of the object versions on their lists, those with the shortest lists first. */
export async function listDoomed(
  blocks: Database,
  { limit, versions }: { limit: number; versions: number },
): Promise<Doomed[]> {
  const { rows } = await blocks.query<Doomed>(
    `select encode(b.block_hash, 'hex') as hash, b.object_versions[1:${versions}] as versions
     from blocks.blocks b where b.state = 'deleting' and b.delete_after < now() and not ${UNLISTED}
     order by cardinality(b.object_versions), b.delete_after limit $1`,
    [limit],
  );
  return rows;
}

/**
 * Takes names off the lists that begin with them; another run may have done so, or an upload taken the block up. Returns
 * how many lists are shorter now.
 */
export async function strikeVersions(blocks: Database, gone: readonly Doomed[]): Promise<number> {
  const { rowCount } = await blocks.query(
    `update blocks.blocks b set object_versions = b.object_versions[cardinality(held.versions) + 1:]
     from (
       select b.block_hash, gone.versions from blocks.blocks b
       join json_to_recordset($1) gone(hash bytea, versions text[]) on b.block_hash = gone.hash
       where b.state = 'deleting' and b.object_versions[1:cardinality(gone.versions)] = gone.versions
       for no key update of b skip locked) held
     where b.block_hash = held.block_hash`,
    [toRecords(gone)],
  );
  return rowCount ?? 0;
}

/**
 * Removes the rows of blocks whose deletion is done, and of their contents, unless an upload took them up or another run
 * removed them. Answers how many, and the packs that have less to keep now.
 */
export async function removeDoomed(
  blocks: Database,
  doomed: readonly Doomed[],
): Promise<{ removed: number; packs: string[] }> {
  if (doomed.length === 0) return { removed: 0, packs: [] };
  return await transaction(blocks, async (sql) => {
    const { rows } = await sql.query<{ hash: string }>(
      `delete from blocks.blocks where block_hash in (
         select b.block_hash from blocks.blocks b
         join json_to_recordset($1) gone(hash bytea, versions text[]) on b.block_hash = gone.hash
         where b.state = 'deleting' and b.object_versions = gone.versions for update of b skip locked)
       returning encode(block_hash, 'hex') as hash`,
      [toRecords(doomed)],
    );
    const packs = await removeContents(
      sql,
      rows.map(({ hash }) => hash),
    );
    await endPacks(sql, packs);
    return { removed: rows.length, packs };
  });
}

function toRecords<Block extends Doomed>(blocks: readonly Block[]): string {
  return JSON.stringify(blocks.map((block) => ({ ...block, hash: byteaText(block.hash) })));
}
