import type { PoolClient } from 'pg';
import { toBytes, toHexes } from '../database/ids.ts';
import type { Namespace, Shard } from '../database/rows.ts';

/** Which of the blocks some version of the user holds. */
export async function filterHeld({ sql, schema, id }: Namespace, hashes: readonly string[]): Promise<Set<string>> {
  if (hashes.length === 0) return new Set();
  const { rows } = await sql.query<{ block_hash: Buffer }>(
    `select block_hash from ${schema}.held_blocks where user_id = $1 and block_hash = any($2)`,
    [id, toBytes(hashes)],
  );
  return new Set(toHexes(rows.map(({ block_hash }) => block_hash)));
}

/** Some blocks after a hash that versions of the user hold, in order. */
export async function listHeld({ sql, schema, id }: Namespace, after: string, limit: number): Promise<string[]> {
  const { rows } = await sql.query<{ block_hash: Buffer }>(
    `select block_hash from ${schema}.held_blocks where user_id = $1 and block_hash > $2 order by block_hash limit $3`,
    [id, Buffer.from(after, 'hex'), limit],
  );
  return toHexes(rows.map(({ block_hash }) => block_hash));
}

/** Part of `bookCommits`: counts one more version for each time that a block is used. */
export function holdBlocks({ schema }: Shard): string {
  return `insert into ${schema}.held_blocks as held (user_id, block_hash, versions)
    select $1, block_hash, count(*) from used group by block_hash
    on conflict (user_id, block_hash) do update set versions = held.versions + excluded.versions
    returning block_hash, xmax = 0 as fresh`;
}

/**
 * Counts these versions, which are about to go, no longer. Returns what the blocks that no version holds any more took up,
 * by namespace; each counts `least` bytes at least. Needs the accounts' locks.
 */
export async function releaseHolds(
  { sql, schema }: Shard<PoolClient>,
  versionIds: readonly string[],
  least: number,
): Promise<{ id: string; kept: number }[]> {
  const { rows } = await sql.query<{ id: string; kept: number }>(
    `with lost as (
       select user_id, hash, max(size) as size, count(*)::int as times
       from (select distinct v.version_id, v.user_id, hash, size
             from ${schema}.file_versions v, unnest(v.block_hashes, v.block_sizes) b(hash, size)
             where v.version_id = any($1)) each
       group by user_id, hash),
     fewer as (
       update ${schema}.held_blocks h set versions = h.versions - lost.times from lost
       where (h.user_id, h.block_hash) = (lost.user_id, lost.hash) and h.versions > lost.times),
     free as (
       delete from ${schema}.held_blocks h using lost
       where (h.user_id, h.block_hash) = (lost.user_id, lost.hash) and h.versions <= lost.times
       returning h.user_id, lost.size)
     select user_id as id, sum(greatest(size, $2::int))::int8 as kept from free group by user_id`,
    [versionIds, least],
  );
  return rows;
}
