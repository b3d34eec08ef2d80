import pMap from 'p-map';
import type { Pool } from 'pg';
import { deleteObjectVersion, listObjectVersions } from '../shared/block-store.ts';
import { transaction } from '../shared/database.ts';

const CONCURRENCY = 16;

/** Unused since before the grace period, and no open upload counts on it. By the database's clock. */
export const UNUSED = `b.ref_count = 0 and b.delete_after < now()
  and not exists (select from blocks.pins p where p.block_hash = b.block_hash and p.expires_at > now())`;

/** Seconds since the oldest block that is still there could have been deleted; 0 when there is none. */
export async function collectionLag(blocks: Pool): Promise<number> {
  const { rows } = await blocks.query<{ lag: number }>(
    `select coalesce(extract(epoch from now() - min(b.delete_after)), 0)::int as lag from blocks.blocks b where ${UNUSED}`,
  );
  return rows[0]?.lag ?? 0;
}

/**
 * Collects some blocks: live -> condemned, then condemned or pending -> deleting with the object versions that are there
 * now, then those versions are deleted, then the row. Every step is a short transaction under row locks that asks again
 * whether the block is unused; a run that stops anywhere is continued by the next. An upload in between revives the
 * block, or makes an object version that is not on the list and stays.
 */
export async function collectBlocks(
  blocks: Pool,
  limit: number,
): Promise<{ condemned: number; deleted: number; taken: number }> {
  const condemned = await condemn(blocks, limit);
  const { rows: candidates } = await blocks.query<{ hash: string }>(
    `select encode(b.block_hash, 'hex') as hash from blocks.blocks b
     where (b.state in ('condemned', 'pending') and ${UNUSED}) or (b.state = 'deleting' and b.delete_after < now())
     order by b.delete_after limit $1`,
    [limit],
  );
  let deleted = 0;
  await pMap(
    candidates,
    async ({ hash }) => {
      if (await collectBlock(blocks, hash)) deleted++;
    },
    { concurrency: CONCURRENCY },
  );
  return { condemned, deleted, taken: candidates.length };
}

async function condemn(blocks: Pool, limit: number): Promise<number> {
  return await transaction(blocks, async (sql) => {
    const { rowCount } = await sql.query(
      `update blocks.blocks set state = 'condemned' where block_hash in (
         select b.block_hash from blocks.blocks b where b.state = 'live' and ${UNUSED}
         order by b.delete_after limit $1 for update skip locked)`,
      [limit],
    );
    return rowCount ?? 0;
  });
}

async function collectBlock(blocks: Pool, hash: string): Promise<boolean> {
  const listed = await listObjectVersions(hash);
  const bytes = Buffer.from(hash, 'hex');
  const { rows } = await blocks.query<{ object_versions: string[] }>(
    `update blocks.blocks set state = 'deleting', object_versions = coalesce(object_versions, $2)
     where block_hash in (
       select b.block_hash from blocks.blocks b
       where b.block_hash = $1
         and ((b.state in ('condemned', 'pending') and ${UNUSED}) or (b.state = 'deleting' and b.delete_after < now()))
       for update skip locked)
     returning object_versions`,
    [bytes, listed],
  );
  const doomed = rows[0]?.object_versions;
  if (!doomed) return false;
  for (const version of doomed) await deleteObjectVersion(hash, version);
  const { rowCount } = await blocks.query(
    `delete from blocks.blocks where block_hash = $1 and state = 'deleting' and object_versions = $2`,
    [bytes, doomed],
  );
  return rowCount === 1;
}
