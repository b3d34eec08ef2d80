import { randomBytes } from 'node:crypto';
import type { PoolClient } from 'pg';
import { limits } from '../../../protocol/limits.ts';
import { toBytes } from '../database/ids.ts';
import { byHash, type Database, type Sql } from '../database/rows.ts';

/** An upload, as the pins know it: whoever sends the blocks, and the id that he chose. */
export interface UploadKey {
  userId: string;
  uploadId: string;
}

export interface Pin {
  hash: string;
  verified: boolean;
  put_token: string;
  /** Hex of the open challenge. */
  nonce: string | null;
  /** No (other) challenge is offered: the content has to be sent. */
  must_send: boolean;
  delta_bytes: number | null;
  /** How often finalize has looked for the object in vain since the pin was renewed. */
  looks: number;
}

/** A token for a signed PUT, which nobody can guess. */
export function newPutToken(): string {
  return randomBytes(16).toString('hex');
}

/** Hours that a pin keeps a block beyond its own grace period where nothing shows that the user has the content. */
const UNPROVEN_HOURS = limits.uploadHours;

/**
 * Pins every block for the upload, or renews its pins; what was proved stays proved, and what has to be sent stays so.
 * A pin that has expired counts as none: the block may have been collected since, and its old object may still be about
 * to be deleted. All uploads of a user sign the PUT of a block with one token, so that each of them recognises what
 * another sent. The blocks are locked. A stored block that no version refers to any more is not kept for ever by those
 * who know its hash: what keeps collection away ends, however often they ask. Their uploads go on; where the block goes
 * meanwhile, its content is asked for.
 */
export async function renewPins(
  sql: PoolClient,
  { userId, uploadId }: UploadKey,
  pins: readonly { hash: string; verified: boolean; token: string; nonce: string | null }[],
): Promise<Map<string, Pin>> {
  // Each block by the index: a plain join reads all there are as long as that seems the cheaper way.
  const { rows } = await sql.query<Pin>(
    `insert into blocks.pins as p
       (user_id, upload_id, block_hash, expires_at, keeps_until, verified, put_token, nonce, must_send)
     select $1, $2, hash, now() + $3 * interval '1 hour',
       case when verified or b.state not in ('live', 'condemned') then now() + $3 * interval '1 hour'
         else least(now() + $3 * interval '1 hour', b.delete_after + interval '${UNPROVEN_HOURS} hours') end,
       verified,
       coalesce((select o.put_token from blocks.pins o
                 where o.user_id = $1 and o.block_hash = hash and o.expires_at > now() limit 1), token),
       nonce, not verified and nonce is null
     from unnest($4::bytea[], $5::bool[], $6::text[], $7::bytea[]) new(hash, verified, token, nonce)
     cross join lateral (select state, delete_after from blocks.blocks where block_hash = hash limit 1) b order by hash
     on conflict (user_id, upload_id, block_hash) do update
     set expires_at = excluded.expires_at,
       keeps_until = case when p.verified and p.expires_at > now() then excluded.expires_at
         else excluded.keeps_until end,
       verified = excluded.verified or (p.verified and p.expires_at > now()),
       put_token = case when p.expires_at > now() then p.put_token else excluded.put_token end,
       must_send = case when p.expires_at > now() then p.must_send else p.must_send or excluded.must_send end,
       nonce = case when (p.verified and p.expires_at > now()) or p.must_send then null else excluded.nonce end,
       looks = 0
     returning ${columns}`,
    [
      userId,
      uploadId,
      limits.uploadHours,
      toBytes(pins.map(({ hash }) => hash)),
      pins.map(({ verified }) => verified),
      pins.map(({ token }) => token),
      pins.map(({ nonce }) => (nonce === null ? null : Buffer.from(nonce, 'hex'))),
    ],
  );
  return byHash(rows);
}

const columns = `encode(block_hash, 'hex') as hash, verified, put_token, encode(nonce, 'hex') as nonce, must_send,
  delta_bytes, looks`;

/** A pin that outlives any call. */
const LASTING = "expires_at > now() + interval '1 minute'";

/**
 * The upload's pins that outlive any call. What a verified one holds cannot be collected before the call has ended.
 */
export async function findPins(
  sql: Sql,
  { userId, uploadId }: UploadKey,
  hashes: readonly string[],
): Promise<Map<string, Pin>> {
  if (hashes.length === 0) return new Map();
  const { rows } = await sql.query<Pin>(
    `select ${columns} from blocks.pins
     where user_id = $1 and upload_id = $2 and block_hash = any($3) and ${LASTING}`,
    [userId, uploadId, toBytes(hashes)],
  );
  return byHash(rows);
}

/** A pin of a block whose content may have come by a signed PUT. */
export interface DoubtfulPin extends Pick<Pin, 'hash' | 'put_token'> {
  /** The last object version of the block that was found damaged. */
  damaged_version: string | null;
}

/**
 * Those of the upload's pins, as `findPins`, whose blocks are not stored, or of which nothing shows that the user has
 * their content; without those that were looked for in vain `maxLooks` times.
 * @param held which of the blocks some version of the user holds
 */
export async function findDoubtful(
  sql: Sql,
  { userId, uploadId }: UploadKey,
  hashes: readonly string[],
  { held, maxLooks }: { held: ReadonlySet<string>; maxLooks: number },
): Promise<DoubtfulPin[]> {
  if (hashes.length === 0) return [];
  const { rows } = await sql.query<DoubtfulPin>(
    `select encode(block_hash, 'hex') as hash, put_token, damaged_version
     from blocks.pins left join blocks.blocks using (block_hash)
     where user_id = $1 and upload_id = $2 and block_hash = any($3) and looks < $4
       and ${LASTING}
       and not ((verified or block_hash = any($5)) and coalesce(state in ('live', 'condemned'), false))`,
    [userId, uploadId, toBytes(hashes), maxLooks, toBytes([...held])],
  );
  return rows;
}

/** Those of the upload's blocks that its pins keep from collection. */
export async function listKept(
  sql: Sql,
  { userId, uploadId }: UploadKey,
  hashes: readonly string[],
): Promise<Set<string>> {
  const { rows } = await sql.query<{ hash: string }>(
    `select encode(block_hash, 'hex') as hash from blocks.pins
     where user_id = $1 and upload_id = $2 and block_hash = any($3) and keeps_until > now()`,
    [userId, uploadId, toBytes(hashes)],
  );
  return new Set(rows.map(({ hash }) => hash));
}

/** Locks pins of the upload in the order of the hashes, as everything does that changes more than one. */
function lockedPins(which: string): string {
  return `select user_id, upload_id, block_hash, nonce from blocks.pins
    where user_id = $1 and upload_id = $2 ${which} order by block_hash for update`;
}

/** The user has the content: by proof, by delta, or by having sent it. */
export async function verifyPins(
  sql: Sql,
  { userId, uploadId }: UploadKey,
  blocks: readonly { hash: string; deltaBytes?: number }[],
): Promise<void> {
  if (blocks.length === 0) return;
  await sql.query(
    `with locked as (${lockedPins('and block_hash = any($3)')})
     update blocks.pins p
     set verified = true, keeps_until = p.expires_at, nonce = null, delta_bytes = coalesce(done.delta_bytes, p.delta_bytes)
     from locked join unnest($3::bytea[], $4::int[]) done(hash, delta_bytes) on locked.block_hash = done.hash
     where (p.user_id, p.upload_id, p.block_hash) = (locked.user_id, locked.upload_id, locked.block_hash)`,
    [userId, uploadId, toBytes(blocks.map(({ hash }) => hash)), blocks.map(({ deltaBytes }) => deltaBytes ?? null)],
  );
}

/** Takes the open challenges of these blocks, each of which can be answered once only. */
export async function takeNonces(
  sql: Database,
  { userId, uploadId }: UploadKey,
  hashes: readonly string[],
): Promise<Map<string, string>> {
  // `returning old.…` needs PostgreSQL 18; Aurora has 17, so the old value comes from the locked row.
  const { rows } = await sql.query<{ hash: string; nonce: string }>(
    `with open as (${lockedPins('and block_hash = any($3) and nonce is not null and expires_at > now()')})
     update blocks.pins p set nonce = null from open
     where (p.user_id, p.upload_id, p.block_hash) = (open.user_id, open.upload_id, open.block_hash)
     returning encode(open.block_hash, 'hex') as hash, encode(open.nonce, 'hex') as nonce`,
    [userId, uploadId, toBytes(hashes)],
  );
  return new Map(rows.map(({ hash, nonce }) => [hash, nonce]));
}

/** After a wrong proof the upload gets no other challenge for the block: the content has to be sent. */
export async function failProofs(sql: Sql, { userId, uploadId }: UploadKey, hashes: readonly string[]): Promise<void> {
  if (hashes.length === 0) return;
  await sql.query(
    `with locked as (${lockedPins('and block_hash = any($3)')})
     update blocks.pins p set must_send = true, nonce = null from locked
     where (p.user_id, p.upload_id, p.block_hash) = (locked.user_id, locked.upload_id, locked.block_hash)
       and not p.verified`,
    [userId, uploadId, toBytes(hashes)],
  );
}

/** Notes that the objects of these blocks were looked for in vain. */
export async function noteLooks(sql: Sql, { userId, uploadId }: UploadKey, hashes: readonly string[]): Promise<void> {
  if (hashes.length === 0) return;
  await sql.query(
    `with locked as (${lockedPins('and block_hash = any($3)')})
     update blocks.pins p set looks = p.looks + 1 from locked
     where (p.user_id, p.upload_id, p.block_hash) = (locked.user_id, locked.upload_id, locked.block_hash)`,
    [userId, uploadId, toBytes(hashes)],
  );
}

/** Goes on when no other transaction does that has called this for the upload; nothing else waits for it. */
export async function waitForPins(sql: Sql, { userId, uploadId }: UploadKey): Promise<void> {
  await sql.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`pins ${userId} ${uploadId}`]);
}

/** How many blocks the upload holds. */
export async function countPins(sql: Sql, { userId, uploadId }: UploadKey): Promise<number> {
  const { rows } = await sql.query<{ pins: number }>(
    `select count(*)::int as pins from blocks.pins where user_id = $1 and upload_id = $2 and not (${EXPIRED_PIN})`,
    [userId, uploadId],
  );
  return rows[0]!.pins;
}

/** The upload lets go of these blocks. */
export async function removePins(sql: Sql, { userId, uploadId }: UploadKey, hashes: readonly string[]): Promise<void> {
  if (hashes.length === 0) return;
  await sql.query(
    `with locked as (${lockedPins('and block_hash = any($3)')})
     delete from blocks.pins p using locked
     where (p.user_id, p.upload_id, p.block_hash) = (locked.user_id, locked.upload_id, locked.block_hash)`,
    [userId, uploadId, toBytes(hashes)],
  );
}

/** Uploads of the user let go of everything they hold. */
export async function releasePins(sql: Sql, userId: string, uploadIds: readonly string[]): Promise<void> {
  if (uploadIds.length === 0) return;
  await sql.query(
    `with locked as (
       select user_id, upload_id, block_hash from blocks.pins
       where user_id = $1 and upload_id = any($2) order by block_hash, upload_id for update)
     delete from blocks.pins p using locked
     where (p.user_id, p.upload_id, p.block_hash) = (locked.user_id, locked.upload_id, locked.block_hash)`,
    [userId, uploadIds],
  );
}

/** A pin of an upload that is over. */
export const EXPIRED_PIN = 'expires_at < now()';

/** Removes some of these. Returns how many. */
export async function removeExpiredPins(sql: Database, limit: number): Promise<number> {
  const { rowCount } = await sql.query(
    `delete from blocks.pins where (user_id, upload_id, block_hash) in (
       select user_id, upload_id, block_hash from blocks.pins
       where ${EXPIRED_PIN} order by expires_at limit $1 for update skip locked)`,
    [limit],
  );
  return rowCount ?? 0;
}
