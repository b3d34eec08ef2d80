import type { PoolClient } from 'pg';
import type { Database } from '../database.ts';
import { toBytes } from '../ids.ts';

/** How long an unused block stays. */
const GRACE = `interval '72 hours'`;

export interface BlockRow {
  hash: string;
  state: 'pending' | 'live' | 'condemned' | 'deleting';
  size_bytes: number;
}

/** Whether the block's content is in the store and may be referred to. */
export function isStored(block: BlockRow | undefined): boolean {
  return block?.state === 'live' || block?.state === 'condemned';
}

export async function findBlocks(sql: Database, hashes: readonly string[]): Promise<Map<string, BlockRow>> {
  return await selectBlocks(sql, hashes, '');
}

/** Locks the blocks in the order of their hashes, as everything does that locks more than one. */
export async function lockBlocks(sql: PoolClient, hashes: readonly string[]): Promise<Map<string, BlockRow>> {
  return await selectBlocks(sql, hashes, 'order by block_hash for update');
}

async function selectBlocks(
  sql: Database | PoolClient,
  hashes: readonly string[],
  tail: string,
): Promise<Map<string, BlockRow>> {
  if (hashes.length === 0) return new Map();
  const { rows } = await sql.query<BlockRow>(
    `select encode(block_hash, 'hex') as hash, state, size_bytes from blocks.blocks
     where block_hash = any($1) ${tail}`,
    [toBytes(hashes)],
  );
  return new Map(rows.map((row) => [row.hash, row]));
}

/** Adds rows for blocks that are unknown, in the order of their hashes. */
export async function insertPending(sql: PoolClient, blocks: readonly { hash: string; size: number }[]): Promise<void> {
  await sql.query(
    `insert into blocks.blocks (block_hash, state, size_bytes, delete_after)
     select hash, 'pending', size, now() + ${GRACE} from unnest($1::bytea[], $2::int[]) new(hash, size) order by hash
     on conflict (block_hash) do nothing`,
    [toBytes(blocks.map(({ hash }) => hash)), blocks.map(({ size }) => size)],
  );
}

/** Condemned blocks are live again; blocks under deletion wait for new content, whose object is another version. */
export async function reviveBlocks(sql: PoolClient, hashes: readonly string[]): Promise<void> {
  if (hashes.length === 0) return;
  await sql.query(
    `update blocks.blocks
     set state = case state when 'condemned' then 'live' else 'pending' end, object_versions = null,
       delete_after = now() + ${GRACE}
     where block_hash = any($1) and state in ('condemned', 'deleting')`,
    [toBytes(hashes)],
  );
}

/** The content is in the store, with this size. */
export async function markLive(sql: PoolClient, blocks: readonly { hash: string; size: number }[]): Promise<void> {
  if (blocks.length === 0) return;
  await sql.query(
    `insert into blocks.blocks as b (block_hash, state, size_bytes, delete_after)
     select hash, 'live', size, now() + ${GRACE} from unnest($1::bytea[], $2::int[]) new(hash, size) order by hash
     on conflict (block_hash) do update
     set state = 'live', size_bytes = excluded.size_bytes, delete_after = excluded.delete_after, object_versions = null
     where b.state <> 'live'`,
    [toBytes(blocks.map(({ hash }) => hash)), blocks.map(({ size }) => size)],
  );
}

/** Adds one reference per occurrence of a hash; the rows are locked, and live or condemned. */
export async function raiseCounts(sql: PoolClient, hashes: readonly string[]): Promise<void> {
  if (hashes.length === 0) return;
  await sql.query(
    `update blocks.blocks b set ref_count = b.ref_count + added.times, state = 'live', delete_after = null
     from (select hash, count(*)::int as times from unnest($1::bytea[]) hash group by hash) added
     where b.block_hash = added.hash`,
    [toBytes(hashes)],
  );
}

/** Takes one reference per occurrence of a hash; the rows are locked. At zero the grace period starts. */
export async function lowerCounts(sql: PoolClient, hashes: readonly string[]): Promise<void> {
  if (hashes.length === 0) return;
  await sql.query(
    `update blocks.blocks b
     set ref_count = b.ref_count - taken.times,
       delete_after = case when b.ref_count = taken.times then now() + ${GRACE} end
     from (select hash, count(*)::int as times from unnest($1::bytea[]) hash group by hash) taken
     where b.block_hash = taken.hash`,
    [toBytes(hashes)],
  );
}
