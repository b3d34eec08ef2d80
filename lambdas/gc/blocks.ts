import pMap from 'p-map';
import { deleteObjectVersion, listObjectVersions } from '../shared/block-store.ts';
import { type Database, transaction } from '../shared/database.ts';
import { toBytes } from '../shared/ids.ts';
import { byteaText } from '../shared/sql.ts';

const CONCURRENCY = 16;

/** Unused since before the grace period, and no open upload counts on it. By the database's clock. */
export const UNUSED = `b.ref_count = 0 and b.delete_after < now()
  and not exists (select from blocks.pins p where p.block_hash = b.block_hash and p.expires_at > now())`;

/** Seconds since the oldest block that is still there could have been deleted; 0 when there is none. */
export async function collectionLag(blocks: Database): Promise<number> {
  const { rows } = await blocks.query<{ lag: number }>(
    `select coalesce(extract(epoch from now() - min(b.delete_after)), 0)::int as lag from blocks.blocks b where ${UNUSED}`,
  );
  return rows[0]?.lag ?? 0;
}

/** What the second step takes: blocks that the first one condemned, never sent or damaged ones, and what an earlier run left. */
const CONDEMNED = `(b.state in ('condemned', 'pending', 'quarantined') and ${UNUSED}) or (b.state = 'deleting' and b.delete_after < now())`;

interface Doomed {
  hash: string;
  /** The object versions to delete, and no other. */
  versions: string[];
}

/**
 * Collects some blocks: live -> condemned, then condemned, pending or quarantined -> deleting with the object versions
 * that are there now, then those versions are deleted, then the rows. Each change of state is a short transaction that
 * locks first and asks then whether the block is unused, by a statement that sees all who held it before. A run that
 * stops anywhere is continued by the next. An upload in between revives the block, or makes an object version that is
 * not on the list and stays.
 */
export async function collectBlocks(
  blocks: Database,
  limit: number,
): Promise<{ condemned: number; deleted: number; taken: number }> {
  const condemned = await condemn(blocks, limit);
  const { rows: candidates } = await blocks.query<{ hash: string }>(
    `select encode(b.block_hash, 'hex') as hash from blocks.blocks b where ${CONDEMNED} order by b.delete_after limit $1`,
    [limit],
  );
  const options = { concurrency: CONCURRENCY };
  const list = async ({ hash }: { hash: string }) => ({ hash, versions: await listObjectVersions(hash) });
  const doomed = await doom(blocks, await pMap(candidates, list, options));
  const objects = doomed.flatMap(({ hash, versions }) => versions.map((version) => ({ hash, version })));
  await pMap(objects, ({ hash, version }) => deleteObjectVersion(hash, version), options);
  return { condemned, deleted: await removeRows(blocks, doomed), taken: candidates.length };
}

async function condemn(blocks: Database, limit: number): Promise<number> {
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

/** Answers the blocks that are still unused, with what is to be deleted: for one that an earlier run doomed, its list. */
async function doom(blocks: Database, listed: readonly Doomed[]): Promise<Doomed[]> {
  if (listed.length === 0) return [];
  return await transaction(blocks, async (sql) => {
    const { rows: locked } = await sql.query<{ hash: string }>(
      `select encode(block_hash, 'hex') as hash from blocks.blocks where block_hash = any($1) for update skip locked`,
      [toBytes(listed.map(({ hash }) => hash))],
    );
    const free = new Set(locked.map(({ hash }) => hash));
    const { rows } = await sql.query<Doomed>(
      `update blocks.blocks b set state = 'deleting', object_versions = coalesce(b.object_versions, listed.versions)
       from json_to_recordset($1) listed(hash bytea, versions text[])
       where b.block_hash = listed.hash and (${CONDEMNED})
       returning encode(b.block_hash, 'hex') as hash, b.object_versions as versions`,
      [toRecords(listed.filter(({ hash }) => free.has(hash)))],
    );
    return rows;
  });
}

/** Removes the rows of blocks whose deletion is done, unless an upload took them up or another run removed them. */
async function removeRows(blocks: Database, doomed: readonly Doomed[]): Promise<number> {
  if (doomed.length === 0) return 0;
  const { rowCount } = await blocks.query(
    `delete from blocks.blocks where block_hash in (
       select b.block_hash from blocks.blocks b
       join json_to_recordset($1) gone(hash bytea, versions text[]) on b.block_hash = gone.hash
       where b.state = 'deleting' and b.object_versions = gone.versions for update of b skip locked)`,
    [toRecords(doomed)],
  );
  return rowCount ?? 0;
}

function toRecords(blocks: readonly Doomed[]): string {
  return JSON.stringify(blocks.map(({ hash, versions }) => ({ hash: byteaText(hash), versions })));
}
