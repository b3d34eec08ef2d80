import type { PoolClient } from 'pg';
import type { CommitResult } from '../../../protocol/commit.ts';
import { limits } from '../../../protocol/limits.ts';
import type { UploadInitResponse } from '../../../protocol/upload-init.ts';
import { Refusal } from '../answers/errors.ts';
import { toBytes, toHexes } from '../database/ids.ts';
import type { Namespace, Shard } from '../database/rows.ts';
import { byteaText, ms } from '../database/sql.ts';
import { lockAccounts, releaseBytes, reserveBytes } from './accounts.ts';
import type { EntryRow, Kind } from './files.ts';

/** Where an upload is. */
interface Progress {
  expired: boolean;
  /** `open` waits for finalize, `settled` has every answer, `closed` gave way to newer ones. */
  state: 'open' | 'settled' | 'closed';
}

export interface Upload extends Progress {
  device_id: string;
  offer_digest: Buffer;
  refused: UploadInitResponse['refused'];
  /** Milliseconds since 1970. */
  expires_at: number;
  kept_bytes: number;
}

export interface UploadFile {
  /** Its place in the upload. */
  position: number;
  path: string;
  kind: Kind;
  baseVersion: number;
  hashes: string[];
  sizes: number[];
  size: number;
  mtimeMs: number;
  mode: number;
  reservedBytes: number;
  /** Settled: committed, or refused for good. */
  result: CommitResult | null;
}

const uploadGone = (why: string) => new Refusal('upload_gone', `${why}: start again with a new upload_id`);

/** Throws `upload_gone` for an upload that is over. */
export function checkUpload({ expired, state }: Progress): void {
  if (expired) throw uploadGone('this upload expired');
  if (state === 'closed') throw uploadGone('this upload gave way to a newer one');
}

export async function findUpload({ sql, schema, id }: Namespace, uploadId: string): Promise<Upload | undefined> {
  const { rows } = await sql.query<Upload>(
    `select device_id, offer_digest, refused, ${ms('expires_at')} as expires_at, expires_at < now() as expired, state,
       kept_bytes
     from ${schema}.uploads where user_id = $1 and upload_id = $2`,
    [id, uploadId],
  );
  return rows[0];
}

/** Throws `upload_gone` unless the upload is there and not over. */
export async function requireUpload(namespace: Namespace, uploadId: string): Promise<Upload> {
  return demanded(await findUpload(namespace, uploadId));
}

function demanded<Found extends Progress>(upload: Found | undefined): Found {
  if (!upload) throw uploadGone('this upload is unknown');
  checkUpload(upload);
  return upload;
}

/**
 * The upload, as `requireUpload`, with the answers that files of it have got, by their positions; for whoever knows the
 * files from before the account's lock.
 */
export async function requireAnswers(
  { sql, schema, id }: Namespace,
  uploadId: string,
): Promise<Pick<Upload, 'kept_bytes'> & { answers: ReadonlyMap<number, CommitResult> }> {
  const { rows } = await sql.query<Progress & { kept_bytes: number; answers: Record<string, CommitResult> | null }>(
    `select expires_at < now() as expired, state, kept_bytes,
       (select json_object_agg(position, result) from ${schema}.upload_files f
        where f.user_id = $1 and f.upload_id = $2 and result is not null) as answers
     from ${schema}.uploads where user_id = $1 and upload_id = $2`,
    [id, uploadId],
  );
  const { answers, kept_bytes } = demanded(rows[0]);
  return { kept_bytes, answers: new Map(Object.entries(answers ?? {}).map(([key, value]) => [Number(key), value])) };
}

/**
 * Adds an upload with its files, and books what is reserved and kept for it; needs the account's lock. Returns its end in
 * milliseconds since 1970.
 * @param defaultQuota the profile's, in bytes
 */
export async function insertUpload(
  namespace: Namespace<PoolClient>,
  upload: {
    uploadId: string;
    deviceId: string;
    digest: Buffer;
    refused: UploadInitResponse['refused'];
    files: readonly UploadFile[];
    keptBytes: number;
  },
  defaultQuota: number,
): Promise<number> {
  const { sql, schema, id } = namespace;
  const { rows } = await sql.query<{ expires_at: number }>(
    `with files as (
       insert into ${schema}.upload_files (user_id, upload_id, position, path, kind, base_version, block_hashes,
         block_sizes, size_bytes, mtime_ms, mode, reserved_bytes)
       select $1, $2, f.* from json_to_recordset($9) f(position int, path text, kind text, base_version int,
         block_hashes bytea[], block_sizes int[], size_bytes bigint, mtime_ms bigint, mode int, reserved_bytes bigint)),
     account as (${reserveBytes(namespace)})
     insert into ${schema}.uploads (user_id, upload_id, device_id, offer_digest, refused, expires_at, blocks, kept_bytes)
     values ($1, $2, $3, $4, $5, now() + $6 * interval '1 hour', $7, $8)
     returning ${ms('expires_at')} as expires_at`,
    [
      id,
      upload.uploadId,
      upload.deviceId,
      upload.digest,
      JSON.stringify(upload.refused),
      limits.uploadHours,
      blocksOf(upload.files),
      upload.keptBytes,
      JSON.stringify(upload.files.map(recordOf)),
      upload.files.reduce((sum, { reservedBytes }) => sum + reservedBytes, 0),
      defaultQuota,
    ],
  );
  return rows[0]!.expires_at;
}

/** How many distinct blocks files have. */
export function blocksOf(files: readonly Pick<UploadFile, 'hashes'>[]): number {
  return new Set(files.flatMap(({ hashes }) => hashes)).size;
}

function recordOf(file: UploadFile) {
  return {
    position: file.position,
    path: file.path,
    kind: file.kind,
    base_version: file.baseVersion,
    block_hashes: file.hashes.map(byteaText),
    block_sizes: file.sizes,
    size_bytes: file.size,
    mtime_ms: file.mtimeMs,
    mode: file.mode,
    reserved_bytes: file.reservedBytes,
  };
}

/** Prolongs an upload. Returns its new end in milliseconds since 1970. */
export async function renewUpload({ sql, schema, id }: Namespace<PoolClient>, uploadId: string): Promise<number> {
  const { rows } = await sql.query<{ expires_at: number }>(
    `update ${schema}.uploads set expires_at = now() + $3 * interval '1 hour'
     where user_id = $1 and upload_id = $2 returning ${ms('expires_at')} as expires_at`,
    [id, uploadId, limits.uploadHours],
  );
  return rows[0]!.expires_at;
}

/** The files of an upload in their order. Throws as `requireUpload`. */
export async function requireUploadFiles(namespace: Namespace, uploadId: string): Promise<UploadFile[]> {
  return demanded(await findUploadFiles(namespace, uploadId)).files;
}

type UploadFileRow = Progress &
  EntryRow & { position: number | null; base_version: number } & {
    reserved_bytes: number;
    result: CommitResult | null;
  };

/** An upload with its files in their order; one that gave way has none. */
export async function findUploadFiles(
  { sql, schema, id }: Namespace,
  uploadId: string,
): Promise<(Progress & { files: UploadFile[] }) | undefined> {
  const { rows } = await sql.query<UploadFileRow>(
    `select u.state, u.expires_at < now() as expired, position, path, kind, base_version, block_hashes, block_sizes,
       size_bytes, mtime_ms, mode, reserved_bytes, result
     from ${schema}.uploads u left join ${schema}.upload_files f using (user_id, upload_id)
     where user_id = $1 and upload_id = $2 order by position`,
    [id, uploadId],
  );
  return rows[0] && { ...rows[0], files: rows.flatMap(toUploadFile) };
}

function toUploadFile(row: UploadFileRow): UploadFile[] {
  if (row.position === null) return [];
  const file = {
    position: row.position,
    path: row.path,
    kind: row.kind,
    baseVersion: row.base_version,
    hashes: toHexes(row.block_hashes),
    sizes: row.block_sizes,
    size: row.size_bytes,
    mtimeMs: row.mtime_ms,
    mode: row.mode,
    reservedBytes: row.reserved_bytes,
    result: row.result,
  };
  return [file];
}

/** The sizes with which the upload's files name each of the blocks; none for a block that they do not name. */
export async function offeredSizes(
  { sql, schema, id }: Namespace,
  uploadId: string,
  hashes: readonly string[],
): Promise<Map<string, number[]>> {
  const { rows } = await sql.query<{ hash: string; sizes: number[] }>(
    `select encode(hash, 'hex') as hash, array_agg(distinct size) as sizes
     from ${schema}.upload_files, unnest(block_hashes, block_sizes) block(hash, size)
     where user_id = $1 and upload_id = $2 and hash = any($3) group by hash`,
    [id, uploadId, toBytes(hashes)],
  );
  return new Map(rows.map(({ hash, sizes }) => [hash, sizes]));
}

/**
 * Keeps the answers of files that are settled, for retries.
 * @param kept bytes that are still kept of what the upload took, until it expires, once every file has its answer
 */
export async function settleFiles(
  { sql, schema, id }: Namespace<PoolClient>,
  uploadId: string,
  settled: readonly { position: number; result: CommitResult }[],
  kept: number | undefined,
): Promise<void> {
  if (settled.length === 0) return;
  await sql.query(
    `with files as (
       update ${schema}.upload_files f set result = done.result, reserved_bytes = 0
       from json_to_recordset($3) done(position int, result jsonb)
       where f.user_id = $1 and f.upload_id = $2 and f.position = done.position)
     update ${schema}.uploads set state = 'settled', kept_bytes = $4
     where user_id = $1 and upload_id = $2 and $4::int8 is not null`,
    [id, uploadId, JSON.stringify(settled), kept ?? null],
  );
}

/**
 * Closes uploads, and gives back what they had reserved. What they sent stays counted until they expire. Needs the
 * account's lock.
 */
export async function closeUploads(namespace: Namespace<PoolClient>, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { sql, schema, id } = namespace;
  const { rows: freed } = await sql.query<{ reserved: number }>(
    `with gone as (
       delete from ${schema}.upload_files where user_id = $1 and upload_id = any($2) returning reserved_bytes),
     closed as (
       update ${schema}.uploads set state = 'closed', refused = '[]' where user_id = $1 and upload_id = any($2))
     select coalesce(sum(reserved_bytes), 0)::int8 as reserved from gone`,
    [id, ids],
  );
  await releaseBytes(namespace, [{ id, reserved: freed[0]!.reserved, kept: 0 }]);
}

/** An upload that is over. */
export const EXPIRED_UPLOAD = 'expires_at < now()';

/** Removes some expired uploads and gives back what they had reserved. Returns their number. */
export async function removeExpiredUploads(shard: Shard<PoolClient>, limit: number): Promise<number> {
  const { sql, schema } = shard;
  const { rows } = await sql.query<{ user_id: string; upload_id: string }>(
    `select user_id, upload_id from ${schema}.uploads where ${EXPIRED_UPLOAD} order by expires_at limit $1`,
    [limit],
  );
  await lockAccounts(
    shard,
    rows.map(({ user_id }) => user_id),
  );
  const { rows: reserved } = await sql.query<{ id: string; reserved: number; kept: number }>(
    `with gone as (
       delete from ${schema}.uploads u using unnest($1::uuid[], $2::uuid[]) old(user_id, upload_id)
       where (u.user_id, u.upload_id) = (old.user_id, old.upload_id) and u.expires_at < now()
       returning u.user_id, u.upload_id, u.kept_bytes)
     select g.user_id as id, coalesce(sum(f.reserved_bytes), 0)::int8 as reserved, g.kept_bytes as kept
     from gone g left join ${schema}.upload_files f using (user_id, upload_id)
     group by g.user_id, g.upload_id, g.kept_bytes`,
    [rows.map(({ user_id }) => user_id), rows.map(({ upload_id }) => upload_id)],
  );
  await releaseBytes(shard, reserved);
  return reserved.length;
}
