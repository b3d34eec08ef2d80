import type { PoolClient } from 'pg';
import { limits } from '../../../protocol/limits.ts';
import { toBytes } from '../database/ids.ts';
import type { Sql } from '../database/rows.ts';

/** A block's content as it travels and is kept: a delta with no base. */
export interface Content {
  hash: string;
  encoded: Uint8Array;
}

/** The row of a user. */
export interface UserContent extends Content {
  userId: string;
}

/**
 * Keeps contents for the user who sent them, as many as his bytes allow; answers the hashes of those. The blocks are
 * locked, and after them the user's bytes until the transaction ends.
 */
export async function putContents(sql: PoolClient, userId: string, contents: readonly Content[]): Promise<Set<string>> {
  const { rows } = await sql.query<{ bytes: number }>(
    `insert into blocks.content_bytes as c (user_id) values ($1)
     on conflict (user_id) do update set bytes = c.bytes returning bytes`,
    [userId],
  );
  let room = limits.contentBytes - rows[0]!.bytes;
  const kept = contents.filter(({ encoded }) => {
    const fits = encoded.length <= room;
    if (fits) room -= encoded.length;
    return fits;
  });
  if (kept.length === 0) return new Set();
  await sql.query(
    `with sent as (select * from unnest($2::bytea[], $3::bytea[]) sent(hash, encoded)),
     old as (select coalesce(sum(octet_length(c.encoded)), 0) as bytes
       from blocks.contents c join sent on c.block_hash = sent.hash where c.user_id = $1),
     put as (
       insert into blocks.contents (block_hash, user_id, encoded) select hash, $1, encoded from sent order by hash
       on conflict (block_hash, user_id) do update set encoded = excluded.encoded)
     update blocks.content_bytes c
     set bytes = c.bytes - old.bytes + (select sum(octet_length(encoded)) from sent) from old where c.user_id = $1`,
    [userId, toBytes(kept.map(({ hash }) => hash)), kept.map(({ encoded }) => Buffer.from(encoded))],
  );
  return new Set(kept.map(({ hash }) => hash));
}

/** Locks what is booked of some users' bytes, as a transaction does that changes it. A user without has none. */
export async function lockContentBytes(sql: PoolClient, userIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql.query<{ user_id: string; bytes: number }>(
    'select user_id, bytes from blocks.content_bytes where user_id = any($1) order by user_id for no key update',
    [userIds],
  );
  return new Map(rows.map(({ user_id, bytes }) => [user_id, bytes]));
}

/**
 * The contents of blocks that versions of the user hold, as far as rows have them: his own, or anybody's where no object
 * has the content any more.
 */
export async function findContents(
  sql: Sql,
  userId: string,
  hashes: readonly string[],
): Promise<Map<string, UserContent>> {
  if (hashes.length === 0) return new Map();
  const { rows } = await sql.query<UserContent>(
    `select distinct on (c.block_hash) encode(c.block_hash, 'hex') as hash, c.user_id as "userId", c.encoded
     from blocks.contents c join blocks.blocks b using (block_hash)
     where c.block_hash = any($1) and (c.user_id = $2 or b.objects <> 'there')
     order by c.block_hash, c.user_id <> $2`,
    [toBytes(hashes), userId],
  );
  return new Map(rows.map((row) => [row.hash, row]));
}

/** All rows of these blocks, in no order. */
export async function listContents(sql: Sql, hashes: readonly string[]): Promise<UserContent[]> {
  if (hashes.length === 0) return [];
  const { rows } = await sql.query<UserContent>(
    `select encode(block_hash, 'hex') as hash, user_id as "userId", encoded from blocks.contents
     where block_hash = any($1)`,
    [toBytes(hashes)],
  );
  return rows;
}

/** Which of the blocks have rows. */
export async function filterKept(sql: Sql, hashes: readonly string[]): Promise<Set<string>> {
  if (hashes.length === 0) return new Set();
  const { rows } = await sql.query<{ hash: string }>(
    `select distinct encode(block_hash, 'hex') as hash from blocks.contents where block_hash = any($1)`,
    [toBytes(hashes)],
  );
  return new Set(rows.map(({ hash }) => hash));
}

/** Removes the rows of these blocks, or with `userId` that user's alone. The blocks are locked, or gone. */
export async function removeContents(sql: PoolClient, hashes: readonly string[], userId?: string): Promise<void> {
  if (hashes.length === 0) return;
  const { rows } = await sql.query<{ user_id: string; bytes: number }>(
    `with gone as (
       delete from blocks.contents where block_hash = any($1) and ($2::uuid is null or user_id = $2)
       returning user_id, octet_length(encoded) as bytes)
     select user_id, sum(bytes)::int8 as bytes from gone group by user_id order by user_id`,
    [toBytes(hashes), userId ?? null],
  );
  if (rows.length === 0) return;
  await sql.query(
    `with locked as (
       select user_id from blocks.content_bytes where user_id = any($1) order by user_id for no key update)
     update blocks.content_bytes c set bytes = c.bytes - gone.bytes
     from locked join unnest($1::uuid[], $2::int8[]) gone(user_id, bytes) using (user_id)
     where c.user_id = locked.user_id`,
    [rows.map(({ user_id }) => user_id), rows.map(({ bytes }) => bytes)],
  );
}
