import type { PoolClient } from 'pg';
import { limits } from '../../../protocol/limits.ts';
import { toBytes } from '../database/ids.ts';
import type { Database } from '../database/rows.ts';
import { GRACE, lockBlocks } from './blocks.ts';

/** A pack that is mostly of no use, and the contents that still lie in it, in bytes. */
export interface SparsePack {
  pack: string;
  contents: { hash: string; at: number; bytes: number }[];
}

/** Those of some packs of which less than half is left. */
export async function listSparse(blocks: Database, packs: readonly string[]): Promise<SparsePack[]> {
  if (packs.length === 0) return [];
  const { rows } = await blocks.query<SparsePack>(
    `with lying as (
       select distinct pack_hash, block_hash, pack_at, pack_bytes from blocks.contents where pack_hash = any($1))
     select encode(c.pack_hash, 'hex') as pack,
       json_agg(json_build_object(
         'hash', encode(c.block_hash, 'hex'), 'at', c.pack_at, 'bytes', c.pack_bytes)) as contents
     from lying c join blocks.blocks p on p.block_hash = c.pack_hash
     where p.state in ('live', 'condemned')
     group by c.pack_hash, p.size_bytes having 2 * sum(c.pack_bytes) < p.size_bytes`,
    [toBytes(packs)],
  );
  return rows;
}

/**
 * Packs in which nothing lies yet stay for the grace period from now on, and those that stay longer as long as they do.
 * One that has no end gets one, or it would end when what lies in it goes.
 */
export async function startGrace(sql: PoolClient, packs: readonly string[]): Promise<void> {
  await setEnd(sql, packs, `greatest(nullif(b.delete_after, 'infinity'), now() + ${GRACE})`);
}

/** Packs in which contents lie have no end, by which collection would find them. */
export async function keepPacks(sql: PoolClient, packs: readonly string[]): Promise<void> {
  await setEnd(sql, packs, "'infinity'");
}

/**
 * Packs out of which contents went that lie elsewhere now stay for as long as a version that was replaced, and its blocks:
 * the database as it was before names them.
 */
export async function leavePacks(sql: PoolClient, packs: readonly string[]): Promise<void> {
  await setEnd(sql, packs, `now() + interval '${limits.historyDays} days' + ${GRACE}`);
}

/** Packs that lost contents with their blocks end when nothing lies in them any more, unless they were left before. */
export async function endPacks(sql: PoolClient, packs: readonly string[]): Promise<void> {
  await setEnd(
    sql,
    packs,
    'now()',
    `delete_after = 'infinity' and not exists (select from blocks.contents c where c.pack_hash = b.block_hash)`,
  );
}

/** Packs come after the blocks whose contents lie in them, in the order of their hashes. */
async function setEnd(sql: PoolClient, packs: readonly string[], end: string, where = 'true'): Promise<void> {
  if (packs.length === 0) return;
  await lockBlocks(sql, packs);
  await sql.query(
    `update blocks.blocks b set delete_after = ${end} where block_hash = any($1) and ref_count = 0 and ${where}`,
    [toBytes(packs)],
  );
}
