import type { PoolClient } from 'pg';
import type { Database } from '../database.ts';
import { toBytes } from '../ids.ts';

/** How long an unused block stays. */
const GRACE = `interval '72 hours'`;

export interface BlockRow {
  hash: string;
  state: 'pending' | 'live' | 'condemned' | 'deleting' | 'quarantined';
  size_bytes: number;
  ref_count: number;
  /** The object version that is damaged, while quarantined. */
  damaged_version: string | null;
}

/** Whether the block's content is in the store. */
export function isStored(block: BlockRow | undefined): boolean {
  return block?.state === 'live' || block?.state === 'condemned';
}

/** Whether another version may hold a block that one holds already; its content may be on its way back. */
export function isReferable(block: BlockRow | undefined): boolean {
  return isStored(block) || block?.state === 'quarantined';
}

const columns = `encode(block_hash, 'hex') as hash, state, size_bytes, ref_count, damaged_version`;

export async function findBlocks(sql: Database, hashes: readonly string[]): Promise<Map<string, BlockRow>> {
  return await selectBlocks(sql, hashes, '');
}

/** The blocks whose hex is after `after` and up to `last`, or to the end. Neither has to be a hash itself. */
export async function blocksBetween(
  sql: Database,
  after: string,
  last: string | undefined,
): Promise<Map<string, BlockRow>> {
  const { rows } = await sql.query<BlockRow>(
    `select ${columns} from blocks.blocks where block_hash >= $1 and block_hash <= $2`,
    [Buffer.from(after, 'hex'), Buffer.concat([Buffer.from(last ?? '', 'hex'), Buffer.alloc(HASH_BYTES, 0xff)])],
  );
  const inside = rows.filter(({ hash }) => hash > after && (last === undefined || hash <= last));
  return new Map(inside.map((row) => [row.hash, row]));
}

const HASH_BYTES = 32;

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
    `select ${columns} from blocks.blocks
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
     set state = 'live', size_bytes = excluded.size_bytes, object_versions = null, damaged_version = null,
       delete_after = case when b.ref_count = 0 then excluded.delete_after end
     where b.state <> 'live'`,
    [toBytes(blocks.map(({ hash }) => hash)), blocks.map(({ size }) => size)],
  );
}

/** The content is missing, or damaged in this object version: nobody is to count on it until it is sent again. */
export async function quarantineBlock(sql: PoolClient, hash: string, damagedVersion: string | null): Promise<void> {
  await sql.query(`update blocks.blocks set state = 'quarantined', damaged_version = $2 where block_hash = $1`, [
    Buffer.from(hash, 'hex'),
    damagedVersion,
  ]);
}

/** Some quarantined blocks after a hash, in order. */
export async function listQuarantined(sql: Database, after: string, limit: number): Promise<BlockRow[]> {
  const { rows } = await sql.query<BlockRow>(
    `select ${columns} from blocks.blocks where state = 'quarantined' and block_hash > $1 order by block_hash limit $2`,
    [Buffer.from(after, 'hex'), limit],
  );
  return rows;
}

/** Adds one reference per occurrence of a hash; the rows are locked, and live, condemned or quarantined. */
export async function raiseCounts(sql: PoolClient, hashes: readonly string[]): Promise<void> {
  if (hashes.length === 0) return;
  await sql.query(
    `update blocks.blocks b 
     set ref_count = b.ref_count + added.times, delete_after = null,
       state = case b.state when 'condemned' then 'live' else b.state end
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
