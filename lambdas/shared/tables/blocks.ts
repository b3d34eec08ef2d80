import type { PoolClient } from 'pg';
import { limits } from '../../../protocol/limits.ts';
import { toBytes } from '../database/ids.ts';
import { byHash, type Database } from '../database/rows.ts';
import { noteRenewed, renewEntries } from './renewed.ts';

const HASH_BYTES = 32;

/** How long an unused block stays. */
export const GRACE = `interval '${limits.graceHours} hours'`;

/** From so many references on, a block's count is spread over slots. */
const HOT_REFERENCES = 100;
/** More than the connections that a cluster's busiest moment has on one block. */
const SLOTS = 64;

export interface BlockRow {
  hash: string;
  state: 'pending' | 'live' | 'condemned' | 'deleting' | 'quarantined';
  size_bytes: number;
  /** What the store has of it; counts while the block is live or condemned. */
  objects: 'none' | 'expected' | 'there';
  /** The object versions that are being deleted, or were when the block was taken up again. */
  object_versions: string[] | null;
  /** The last object version that was found damaged. */
  damaged_version: string | null;
}

/** Whether the block's content is kept, as an object or in rows. */
export function isStored(block: Pick<BlockRow, 'state'> | undefined): boolean {
  return block?.state === 'live' || block?.state === 'condemned';
}

/** Whether an object in the store has the block's content. */
export function hasObject(block: Pick<BlockRow, 'state' | 'objects'> | undefined): boolean {
  return isStored(block) && block?.objects === 'there';
}

/** Whether another version may hold a block that one holds already; its content may be on its way back. */
export function isReferable(block: Pick<BlockRow, 'state'> | undefined): boolean {
  return isStored(block) || block?.state === 'quarantined';
}

const columns = `encode(block_hash, 'hex') as hash, state, size_bytes, objects, object_versions, damaged_version`;

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

/**
 * Keeps collection away from the blocks until the transaction ends; others may do the same at once, and count. In the
 * order of the hashes, as everything does that locks more than one block.
 */
export async function guardBlocks(sql: PoolClient, hashes: readonly string[]): Promise<Map<string, BlockRow>> {
  return await selectBlocks(sql, hashes, 'order by block_hash for key share');
}

/** Locks the blocks alone, to change their state or count. */
export async function lockBlocks(sql: PoolClient, hashes: readonly string[]): Promise<Map<string, BlockRow>> {
  return await selectBlocks(sql, hashes, 'order by block_hash for no key update');
}

/** A block that is locked so that references to it may be added. */
export interface CountableBlock extends BlockRow {
  /** Others add references at the same time: they are counted in slots. */
  hot: boolean;
}

/**
 * Locks the blocks to add references: hot ones, which are in use for certain, together with others who do so; the rest
 * alone, and those that change when their content comes. One row after the other in the order of the hashes, whichever
 * lock it takes: a lateral subquery is run for each.
 * @param comesAs how content comes for them in the same transaction, if it does
 */
export async function lockToRaise(
  sql: PoolClient,
  hashes: readonly string[],
  comesAs?: 'object' | 'row',
): Promise<Map<string, CountableBlock>> {
  if (hashes.length === 0) return new Map();
  const block = 'select * from blocks.blocks b where b.block_hash = wanted.hash';
  const found = ['state', 'size_bytes', 'objects', 'object_versions', 'damaged_version'].map(
    (column) => `coalesce(cold.${column}, shared.${column}, late.${column}) as ${column}`,
  );
  const { rows } = await sql.query<CountableBlock>(
    `select encode(wanted.hash, 'hex') as hash, ${found.join(', ')}, shared.block_hash is not null as hot
     from (select hash from unnest($1::bytea[]) hash order by hash) wanted
     left join lateral (
       ${block} and (ref_count < ${HOT_REFERENCES} or state <> 'live' or ($2 and objects <> 'there'))
       for no key update) cold on true
     left join lateral (${block} and cold.block_hash is null and ref_count > 0 for share) shared on true
     -- Lost all its references since the first look.
     left join lateral (${block} and cold.block_hash is null and shared.block_hash is null for no key update) late on true
     where coalesce(cold.block_hash, shared.block_hash, late.block_hash) is not null`,
    [toBytes(hashes), comesAs === 'object'],
  );
  return byHash(rows);
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
  return byHash(rows);
}

/**
 * Adds rows for blocks that are unknown, in the order of their hashes. Answers those that it added: until the transaction
 * ends nobody else sees them, so that they are locked.
 * @param comesAs whether an object is asked for. Without one there is none, unless an upload may still send what it was
 *   asked for when the block had a row before.
 */
export async function insertPending(
  sql: PoolClient,
  blocks: readonly { hash: string; size: number }[],
  comesAs: 'object' | 'row',
): Promise<Map<string, CountableBlock>> {
  const { rows } = await sql.query<CountableBlock>(
    `insert into blocks.blocks (block_hash, state, size_bytes, delete_after, objects)
     select hash, 'pending', size, now() + ${GRACE},
       case when $3 or exists (select from blocks.pins where block_hash = hash and expires_at > now())
         then 'expected' else 'none' end
     from unnest($1::bytea[], $2::int[]) new(hash, size) order by hash
     on conflict (block_hash) do nothing
     returning ${columns}, false as hot`,
    [toBytes(blocks.map(({ hash }) => hash)), blocks.map(({ size }) => size), comesAs === 'object'],
  );
  return byHash(rows);
}

/** From here on the blocks' objects may come. */
export async function expectObjects(sql: PoolClient, hashes: readonly string[]): Promise<void> {
  if (hashes.length === 0) return;
  await lockBlocks(sql, hashes);
  await sql.query(`update blocks.blocks set objects = 'expected' where block_hash = any($1) and objects = 'none'`, [
    toBytes(hashes),
  ]);
}

/**
 * Condemned blocks are live again, for as long as a pin holds them or a version refers to them; blocks under deletion wait
 * for new content, whose object is another version than those on the list.
 */
export async function reviveBlocks(sql: PoolClient, blocks: readonly BlockRow[]): Promise<void> {
  const hashes = blocks.flatMap(({ hash, state }) => (state === 'condemned' || state === 'deleting' ? [hash] : []));
  if (hashes.length === 0) return;
  await lockBlocks(sql, hashes);
  await sql.query(
    `update blocks.blocks
     set state = case state when 'condemned' then 'live' else 'pending' end,
       delete_after = case state when 'condemned' then delete_after else now() + ${GRACE} end
     where block_hash = any($1) and state in ('condemned', 'deleting')`,
    [toBytes(hashes)],
  );
}

/** The content has come, with this size: as an object, or as a row. Of objects that were there only those at rest stay. */
export async function markLive(
  sql: PoolClient,
  blocks: readonly { hash: string; size: number }[],
  comeAs: 'object' | 'row',
): Promise<void> {
  if (blocks.length === 0) return;
  const asObject = comeAs === 'object';
  await sql.query(
    `${asObject ? `with renewed as (${renewEntries})` : ''}
     insert into blocks.blocks as b (block_hash, state, size_bytes, delete_after)
     select hash, 'live', size, now() + ${GRACE} from unnest($1::bytea[], $2::int[]) new(hash, size) order by hash
     on conflict (block_hash) do update
     set state = 'live', size_bytes = excluded.size_bytes,
       objects = case when $3 then 'there' when b.state = 'condemned' or b.objects = 'none' then b.objects
         else 'expected' end,
       damaged_version = case when $3 then null else b.damaged_version end,
       delete_after = case when b.ref_count = 0 then excluded.delete_after end
     where b.state <> 'live' or ($3 and b.objects <> 'there')`,
    [toBytes(blocks.map(({ hash }) => hash)), blocks.map(({ size }) => size), asObject],
  );
}

/**
 * The block's object is missing, or damaged in this version: nobody is to count on it until it is sent again. Where rows
 * have the content, they are read instead; else nobody is to count on the block.
 */
export async function setAside(
  sql: PoolClient,
  hash: string,
  { damagedVersion, hasRows }: { damagedVersion: string | null; hasRows: boolean },
): Promise<void> {
  const key = Buffer.from(hash, 'hex');
  await sql.query(
    `update blocks.blocks
     set state = case when $3 then state else 'quarantined' end, objects = 'expected', damaged_version = $2
     where block_hash = $1`,
    [key, damagedVersion, hasRows],
  );
  await noteRenewed(sql, key);
}

/** Some quarantined blocks after a hash, in order. */
export async function listQuarantined(sql: Database, after: string, limit: number): Promise<BlockRow[]> {
  const { rows } = await sql.query<BlockRow>(
    `select ${columns} from blocks.blocks where state = 'quarantined' and block_hash > $1 order by block_hash limit $2`,
    [Buffer.from(after, 'hex'), limit],
  );
  return rows;
}

/** The references of each block, those in slots included. */
export async function countsOf(sql: PoolClient, hashes: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql.query<{ hash: string; ref_count: number }>(
    `select encode(block_hash, 'hex') as hash, ref_count from blocks.counts where block_hash = any($1)`,
    [toBytes(hashes)],
  );
  return new Map(rows.map(({ hash, ref_count }) => [hash, ref_count]));
}

/**
 * Part of `countVersions`: adds the references in `added`, by hash and number of times, to blocks that are locked alone.
 */
export const raiseCold = `update blocks.blocks b
  set ref_count = b.ref_count + added.times, delete_after = null,
    state = case b.state when 'condemned' then 'live' else b.state end
  from added where b.block_hash = added.hash and b.block_hash <> all($2)`;

/** Part of `countVersions`: the same for the hot ones, which are $2. */
export const raiseHot = `insert into blocks.hot_counts as c (block_hash, slot, added)
  select hash, pg_backend_pid() % ${SLOTS}, times from added where hash = any($2) order by hash
  on conflict (block_hash, slot) do update set added = c.added + excluded.added`;

/** Takes one reference per occurrence of a hash; the blocks are locked alone. At zero the grace period starts. */
export async function lowerCounts(sql: PoolClient, hashes: readonly string[]): Promise<void> {
  if (hashes.length === 0) return;
  await sql.query(
    `with taken as (select hash, count(*)::int as times from unnest($1::bytea[]) hash group by hash),
     slots as (delete from blocks.hot_counts c using taken where c.block_hash = taken.hash returning c.*),
     left_over as (
       select b.block_hash, b.ref_count + coalesce(sum(s.added), 0)::int - t.times as ref_count
       from blocks.blocks b join taken t on b.block_hash = t.hash left join slots s using (block_hash)
       group by b.block_hash, t.times)
     update blocks.blocks b
     set ref_count = l.ref_count, delete_after = case when l.ref_count = 0 then now() + ${GRACE} end
     from left_over l where b.block_hash = l.block_hash`,
    [toBytes(hashes)],
  );
}
