import type { PoolClient } from 'pg';
import { limits } from '../../../protocol/limits.ts';
import { toBytes } from '../database/ids.ts';
import type { Namespace, Shard } from '../database/rows.ts';

/** What makes a block of others. */
export interface KeptDelta {
  hash: string;
  /** The blocks of the base, in their order. */
  base: string[];
  encoded: Uint8Array;
}

const HASH_BYTES = 32;

/** Keeps the deltas that made these blocks, of each block the latest, and of the namespace's deltas the latest. */
export async function keepDeltas({ sql, schema, id }: Namespace, deltas: readonly KeptDelta[]): Promise<void> {
  if (deltas.length === 0) return;
  await sql.query(
    `insert into ${schema}.deltas (user_id, block_hash, base, encoded)
     select $1, hash, base, encoded from unnest($2::bytea[], $3::bytea[], $4::bytea[]) made(hash, base, encoded)
     order by hash
     on conflict (user_id, block_hash) do update
     set base = excluded.base, encoded = excluded.encoded, created_at = excluded.created_at`,
    [
      id,
      toBytes(deltas.map(({ hash }) => hash)),
      deltas.map(({ base }) => Buffer.concat(toBytes(base))),
      deltas.map(({ encoded }) => Buffer.from(encoded)),
    ],
  );
  await sql.query(
    `delete from ${schema}.deltas where (user_id, block_hash) in (
       select user_id, block_hash from ${schema}.deltas where user_id = $1 and created_at <= (
         select max(created_at) from (
           select created_at, row_number() over latest as nth, sum(octet_length(encoded)) over latest as bytes
           from ${schema}.deltas where user_id = $1
           window latest as (order by created_at desc rows unbounded preceding)) kept
         where nth > $2 or bytes > $3)
       for update skip locked)`,
    [id, limits.keptDeltas, limits.keptDeltasBytes],
  );
}

/** The deltas that made these blocks, as far as they are kept, smallest first and as many as fit an answer. */
export async function findDeltas({ sql, schema, id }: Namespace, hashes: readonly string[]): Promise<KeptDelta[]> {
  if (hashes.length === 0) return [];
  const { rows } = await sql.query<{ hash: string; base: Buffer; encoded: Buffer }>(
    `select encode(block_hash, 'hex') as hash, base, encoded from (
       select *, sum(octet_length(encoded)) over (order by octet_length(encoded), block_hash) as bytes
       from ${schema}.deltas where user_id = $1 and block_hash = any($2)) kept
     where bytes <= $3 order by bytes`,
    [id, toBytes(hashes), limits.contentBytesPerAnswer],
  );
  return rows.map(({ hash, base, encoded }) => ({ hash, base: hashesIn(base), encoded }));
}

function hashesIn(bytes: Buffer): string[] {
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, index) =>
    bytes.toString('hex', index * HASH_BYTES, (index + 1) * HASH_BYTES),
  );
}

/** A delta that devices have had the time to fetch. */
export const OLD_DELTA = `created_at < now() - interval '${limits.deltaDays} days'`;

/** Removes some of these. Returns how many. */
export async function removeOldDeltas({ sql, schema }: Shard<PoolClient>, limit: number): Promise<number> {
  const { rowCount } = await sql.query(
    `delete from ${schema}.deltas where (user_id, block_hash) in (
       select user_id, block_hash from ${schema}.deltas where ${OLD_DELTA}
       order by created_at limit $1 for update skip locked)`,
    [limit],
  );
  return rowCount ?? 0;
}
