import type { PoolClient } from 'pg';
import { limits } from '../../../protocol/limits.ts';
import { fitting, itemBytes } from '../answers/answer-size.ts';
import { toBytes } from '../database/ids.ts';
import { byHash, type Sql } from '../database/rows.ts';

/** A block's content as it travels and is kept: a delta with no base. */
export interface Content {
  hash: string;
  encoded: Uint8Array;
}

/** Where in a pack an encoded content lies, in bytes. The pack is a block of up to 4 MiB of one user's contents. */
export interface PackPart {
  pack: string;
  at: number;
  bytes: number;
}

/** A content that lies in a pack. */
export interface PackedContent {
  readonly hash: string;
  readonly encoded: null;
  readonly part: PackPart;
}

/** A content in its row, or in a pack. */
export type PlacedContent = PackedContent | (Readonly<Content> & { readonly part: null });

/** The row of a user. */
export type UserContent = PlacedContent & { readonly userId: string };

const columns = `encode(c.block_hash, 'hex') as hash, c.user_id as "userId", c.encoded,
  case when c.pack_hash is not null then
    json_build_object('pack', encode(c.pack_hash, 'hex'), 'at', c.pack_at, 'bytes', c.pack_bytes) end as part`;

/** The row has the content, or its pack can be read. */
const READABLE = `coalesce(
  (select p.state in ('live', 'condemned') from blocks.blocks p where p.block_hash = c.pack_hash), c.pack_hash is null)`;

/**
 * Notes contents for the user who sent them, as many as his bytes in rows allow; what is in packs takes none of these.
 * Answers the hashes of those, and the packs that contents left which lie elsewhere now. The blocks are locked, and after
 * them the user's bytes until the transaction ends.
 */
export async function putContents(
  sql: PoolClient,
  userId: string,
  contents: readonly PlacedContent[],
): Promise<{ kept: Set<string>; left: string[] }> {
  const { rows } = await sql.query<{ bytes: number }>(
    `insert into blocks.content_bytes as c (user_id) values ($1)
     on conflict (user_id) do update set bytes = c.bytes returning bytes`,
    [userId],
  );
  let room = limits.contentBytes - rows[0]!.bytes;
  const kept = contents.filter(({ encoded }) => {
    const bytes = encoded?.length ?? 0;
    const fits = bytes <= room;
    if (fits) room -= bytes;
    return fits;
  });
  if (kept.length === 0) return { kept: new Set(), left: [] };
  const { rows: old } = await sql.query<{ pack: string }>(
    `with sent as (
       select hash, substring($3::bytea from (1 + sum(length) over (order by place) - length)::int for length) as encoded,
         pack, at, bytes
       from unnest($2::bytea[], $4::int[], $5::bytea[], $6::int[], $7::int[]) with ordinality
         sent(hash, length, pack, at, bytes, place)),
     old as (select c.encoded, c.pack_hash, sent.pack
       from blocks.contents c join sent on c.block_hash = sent.hash where c.user_id = $1),
     put as (
       insert into blocks.contents (block_hash, user_id, encoded, pack_hash, pack_at, pack_bytes)
       select hash, $1, encoded, pack, at, bytes from sent order by hash
       on conflict (block_hash, user_id) do update set encoded = excluded.encoded,
         pack_hash = excluded.pack_hash, pack_at = excluded.pack_at, pack_bytes = excluded.pack_bytes),
     book as (
       update blocks.content_bytes c
       set bytes = c.bytes - (select coalesce(sum(octet_length(encoded)), 0) from old)
         + (select coalesce(sum(octet_length(encoded)), 0) from sent)
       where c.user_id = $1)
     select distinct encode(pack_hash, 'hex') as pack from old where pack_hash is not null and pack_hash <> pack`,
    [
      userId,
      toBytes(kept.map(({ hash }) => hash)),
      // One parameter is sent as bytes, and a list of them as hexadecimal text.
      Buffer.concat(kept.flatMap(({ encoded }) => encoded ?? [])),
      kept.map(({ encoded }) => encoded?.length ?? null),
      kept.map(({ part }) => part && Buffer.from(part.pack, 'hex')),
      kept.map(({ part }) => part?.at ?? null),
      kept.map(({ part }) => part?.bytes ?? null),
    ],
  );
  return { kept: new Set(kept.map(({ hash }) => hash)), left: old.map(({ pack }) => pack) };
}

/** Notes where contents of a pack lie now. Their blocks are locked. */
export async function shiftContents(sql: PoolClient, pack: string, moved: readonly PackedContent[]): Promise<void> {
  await sql.query(
    `update blocks.contents c set pack_hash = moved.pack, pack_at = moved.at
     from unnest($2::bytea[], $3::bytea[], $4::int[]) moved(hash, pack, at)
     where c.block_hash = moved.hash and c.pack_hash = $1`,
    [
      Buffer.from(pack, 'hex'),
      toBytes(moved.map(({ hash }) => hash)),
      toBytes(moved.map(({ part }) => part.pack)),
      moved.map(({ part }) => part.at),
    ],
  );
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
 * The contents of blocks that versions of the user hold, as far as they can be read: his own, or anybody's row where no
 * object has the content any more. What lies in another user's pack is not for him: who reads a pack reads all of it.
 */
export async function findContents(
  sql: Sql,
  userId: string,
  hashes: readonly string[],
): Promise<Map<string, UserContent>> {
  if (hashes.length === 0) return new Map();
  const { rows } = await sql.query<UserContent>(
    `select distinct on (c.block_hash) ${columns} from blocks.contents c join blocks.blocks b using (block_hash)
     where c.block_hash = any($1) and ${READABLE}
       and (c.user_id = $2 or (b.objects <> 'there' and c.pack_hash is null))
     order by c.block_hash, c.user_id <> $2`,
    [toBytes(hashes), userId],
  );
  return byHash(rows);
}

/**
 * What rows have of these contents, as an answer carries it: in base64, by the hash of its block; the first that fit.
 * @param room bytes in the answer
 */
export function answeredContents(
  hashes: readonly string[],
  there: ReadonlyMap<string, UserContent>,
  room: number,
): (readonly [hash: string, base64: string])[] {
  const contents = hashes.flatMap((hash) => {
    const encoded = there.get(hash)?.encoded;
    return encoded ? [[hash, Buffer.from(encoded).toString('base64')] as const] : [];
  });
  return fitting(contents, room, itemBytes);
}

/** All contents of these blocks, in no order. */
export async function listContents(sql: Sql, hashes: readonly string[]): Promise<UserContent[]> {
  if (hashes.length === 0) return [];
  const { rows } = await sql.query<UserContent>(
    `select ${columns} from blocks.contents c where c.block_hash = any($1)`,
    [toBytes(hashes)],
  );
  return rows;
}

/** All contents that lie in a pack. */
export async function listPacked(sql: Sql, pack: string): Promise<UserContent[]> {
  const { rows } = await sql.query<UserContent>(
    `select ${columns} from blocks.contents c where c.pack_hash = $1 order by c.block_hash`,
    [Buffer.from(pack, 'hex')],
  );
  return rows;
}

/** Of which of the blocks a content can be read, by its user at least. */
export async function filterKept(sql: Sql, hashes: readonly string[]): Promise<Set<string>> {
  return await filterBy(sql, hashes, READABLE);
}

/** Of which of the blocks a row has the content, which is read for everybody who has the block. */
export async function filterShared(sql: Sql, hashes: readonly string[]): Promise<Set<string>> {
  return await filterBy(sql, hashes, 'c.pack_hash is null');
}

async function filterBy(sql: Sql, hashes: readonly string[], condition: string): Promise<Set<string>> {
  if (hashes.length === 0) return new Set();
  const { rows } = await sql.query<{ hash: string }>(
    `select distinct encode(c.block_hash, 'hex') as hash from blocks.contents c
     where c.block_hash = any($1) and ${condition}`,
    [toBytes(hashes)],
  );
  return new Set(rows.map(({ hash }) => hash));
}

/**
 * Removes the contents of these blocks, or with `userId` that user's alone. The blocks are locked, or gone. Answers the
 * packs that have less to keep now.
 */
export async function removeContents(sql: PoolClient, hashes: readonly string[], userId?: string): Promise<string[]> {
  if (hashes.length === 0) return [];
  const { rows } = await sql.query<{ user_id: string; bytes: number; packs: string[] }>(
    `with gone as (
       delete from blocks.contents where block_hash = any($1) and ($2::uuid is null or user_id = $2)
       returning user_id, octet_length(encoded) as bytes, encode(pack_hash, 'hex') as pack)
     select user_id, coalesce(sum(bytes), 0)::int8 as bytes,
       coalesce(array_agg(distinct pack) filter (where pack is not null), '{}') as packs
     from gone group by user_id order by user_id`,
    [toBytes(hashes), userId ?? null],
  );
  if (rows.length === 0) return [];
  await sql.query(
    `with locked as (
       select user_id from blocks.content_bytes where user_id = any($1) order by user_id for no key update)
     update blocks.content_bytes c set bytes = c.bytes - gone.bytes
     from locked join unnest($1::uuid[], $2::int8[]) gone(user_id, bytes) using (user_id)
     where c.user_id = locked.user_id`,
    [rows.map(({ user_id }) => user_id), rows.map(({ bytes }) => bytes)],
  );
  return [...new Set(rows.flatMap(({ packs }) => packs))];
}
