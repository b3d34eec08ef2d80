import type { PoolClient } from 'pg';
import type { FileChanged } from '../../../protocol/file-changed.ts';
import { ancestors } from '../../../protocol/path.ts';
import { ServiceError } from '../answers/errors.ts';
import type { Shard } from '../database/database.ts';
import { byteaText } from '../database/sql.ts';
import { requestId } from '../runtime/request.ts';
import { type Account, updateAccount } from '../tables/accounts.ts';
import { forgetTreeHashes } from '../tables/directories.ts';
import type { Kind } from '../tables/files.ts';
import { holdBlocks } from '../tables/held-blocks.ts';
import { keptBytes } from './room.ts';

/** One new version, decided and ready to be written. */
export interface Commit {
  versionId: string;
  fileId: string;
  version: number;
  changeType: 'create' | 'update' | 'delete' | 'move';
  path: string;
  movedFrom?: string;
  kind: Kind;
  hashes: readonly string[];
  sizes: readonly number[];
  size: number;
  mtimeMs: number;
  mode: number;
  /** Bytes of live content that this version takes the place of. */
  replacedBytes: number;
  deltaSizes?: readonly number[];
}

/** Above this, an event would near the stream's limit of 1 MiB per message; consumers treat the list as a hint. */
const MAX_EVENT_HASHES = 4096;

/**
 * Writes new versions with all that follows from them: files, history, changes, events, holds, usage, stale tree hashes.
 * The transaction holds the account's lock. Answers the change number of each, in order.
 */
export async function writeCommits(
  sql: PoolClient,
  { schema, ...shard }: Shard,
  account: Account,
  { userId, deviceId, releasedBytes }: { userId: string; deviceId: string; releasedBytes: number },
  commits: readonly Commit[],
): Promise<number[]> {
  const seqs = commits.map((_, index) => account.change_seq + 1 + index);
  const input = JSON.stringify(commits.map((commit, index) => toRecord(commit, seqs[index]!)));
  const { rows: known } = await sql.query<{ file_id: string }>(
    // A moved file leaves its path before another may take it.
    `update ${schema}.files set deleted_at = coalesce(deleted_at, now()) where file_id = any($1) returning file_id`,
    [commits.map(({ fileId }) => fileId)],
  );
  if (known.length > 0) {
    await sql.query(
      `update ${schema}.file_versions set superseded_at = now() where file_id = any($1) and superseded_at is null`,
      [known.map(({ file_id }) => file_id)],
    );
  }
  await sql.query(
    `insert into ${schema}.files (file_id, user_id, path, kind, version, block_hashes, block_sizes, size_bytes,
       mtime_ms, mode, deleted_at)
     select file_id, $2, path, kind, version, block_hashes, block_sizes, size_bytes, mtime_ms, mode,
       case when change_type = 'delete' then now() end
     from json_to_recordset($1) ${RECORD}
     on conflict (file_id) do update
     set path = excluded.path, version = excluded.version, block_hashes = excluded.block_hashes,
       block_sizes = excluded.block_sizes, size_bytes = excluded.size_bytes, mtime_ms = excluded.mtime_ms,
       mode = excluded.mode, last_modified = now(), deleted_at = excluded.deleted_at`,
    [input, userId],
  );
  const { rowCount: made } = await sql.query(
    `insert into ${schema}.file_versions (version_id, file_id, user_id, version, path, kind, change_type,
       block_hashes, block_sizes, size_bytes, mtime_ms, mode, origin_device, superseded_at)
     select version_id, file_id, $2, version, path, kind, change_type, block_hashes, block_sizes, size_bytes,
       mtime_ms, mode, $3, case when change_type = 'delete' then now() end
     from json_to_recordset($1) ${RECORD}
     on conflict (version_id) do nothing`,
    [input, userId, deviceId],
  );
  if (made !== commits.length) throw usedBefore();
  await sql.query(
    `insert into ${schema}.changes (user_id, seq, version_id, moved_from)
     select $2, seq, version_id, moved_from from json_to_recordset($1) ${RECORD}`,
    [input, userId],
  );
  const events = commits.map((commit, index) => ({
    seq: seqs[index],
    event: toEvent(commit, { userId, deviceId, cursor: seqs[index]!, timestamp: account.now }),
  }));
  await sql.query(
    `insert into ${schema}.outbox (user_id, seq, event)
     select $2, seq, event from json_to_recordset($1) new(seq bigint, event jsonb)`,
    [JSON.stringify(events), userId],
  );
  const holding = { schema, ...shard };
  const newlyHeld = await holdBlocks(
    sql,
    holding,
    userId,
    commits.flatMap(({ hashes }) => [...new Set(hashes)]),
  );
  const newDirectories = await forgetTreeHashes(sql, holding, userId, changedDirectories(commits));
  const sizes = sizesOf(commits);
  const kept = newlyHeld.reduce((sum, hash) => sum + keptBytes(sizes.get(hash)!), 0);
  await updateAccount(sql, holding, userId, {
    ...changeOf(commits),
    reserved: -releasedBytes,
    kept: kept + (commits.length + newDirectories) * keptBytes(0),
    changeSeq: account.change_seq + commits.length,
  });
  return seqs;
}

function sizesOf(blocks: readonly Pick<Commit, 'hashes' | 'sizes'>[]): Map<string, number> {
  return new Map(blocks.flatMap(({ hashes, sizes }) => hashes.map((hash, index) => [hash, sizes[index]!] as const)));
}

/** What the versions add to the live bytes and entries. */
function changeOf(commits: readonly Commit[]): { used: number; entries: number } {
  const change = { used: 0, entries: 0 };
  for (const { changeType, size, replacedBytes } of commits) {
    change.used += (changeType === 'delete' ? 0 : size) - replacedBytes;
    if (changeType === 'create') change.entries++;
    if (changeType === 'delete') change.entries--;
  }
  return change;
}

/** The call's answer is forgotten, but what it made is not. */
const usedBefore = () =>
  new ServiceError('bad_request', 'this id stands for a call of days ago that was carried out: take a new one');

const RECORD = `c(file_id uuid, version_id uuid, seq bigint, path text, moved_from text, kind text, version int,
  change_type text, block_hashes bytea[], block_sizes int[], size_bytes bigint, mtime_ms bigint, mode int)`;

function toRecord(commit: Commit, seq: number): Record<string, unknown> {
  return {
    file_id: commit.fileId,
    version_id: commit.versionId,
    seq,
    path: commit.path,
    moved_from: commit.movedFrom ?? null,
    kind: commit.kind,
    version: commit.version,
    change_type: commit.changeType,
    block_hashes: commit.hashes.map(byteaText),
    block_sizes: commit.sizes,
    size_bytes: commit.size,
    mtime_ms: commit.mtimeMs,
    mode: commit.mode,
  };
}

function toEvent(
  commit: Commit,
  { userId, deviceId, cursor, timestamp }: { userId: string; deviceId: string; cursor: number; timestamp: number },
): FileChanged {
  const request = requestId();
  const listed = commit.changeType !== 'delete' && commit.hashes.length <= MAX_EVENT_HASHES;
  return {
    user_id: userId,
    file_path: commit.path,
    version: commit.version,
    change_type: commit.changeType === 'move' ? 'create' : commit.changeType,
    timestamp,
    cursor,
    version_id: commit.versionId,
    origin_device: deviceId,
    ...(request !== undefined && { request_id: request }),
    ...(listed && { block_hashes: [...commit.hashes] }),
    ...(commit.deltaSizes?.length && { delta_sizes: [...commit.deltaSizes] }),
    ...(commit.movedFrom !== undefined && { moved_from: commit.movedFrom }),
  };
}

/** Every directory above a changed path has to be hashed anew; so has a directory that changed itself. */
function changedDirectories(commits: readonly Commit[]): string[] {
  const changed = new Set<string>(['']);
  for (const { path, movedFrom, kind } of commits) {
    for (const place of movedFrom === undefined ? [path] : [path, movedFrom]) {
      if (kind === 'directory') changed.add(place);
      for (const directory of ancestors(place)) changed.add(directory);
    }
  }
  return [...changed];
}
