import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { CommitResult } from '../../protocol/commit.ts';
import type { ItemError } from '../../protocol/errors.ts';
import type { RestoreRequest } from '../../protocol/restore.ts';
import { answerOnce } from '../shared/commit/answer-once.ts';
import { writeCommits } from '../shared/commit/commit.ts';
import { pathConflicts, refusal } from '../shared/commit/path-rules.ts';
import { lowerRefused, reuseBlocks } from '../shared/commit/references.ts';
import { type Databases, type Shard, transaction } from '../shared/database.ts';
import { itemError, ServiceError } from '../shared/errors.ts';
import { toHexes, versionId } from '../shared/ids.ts';
import { type Account, lockAccount } from '../shared/tables/accounts.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { findTargets, type Target } from '../shared/tables/files.ts';
import { findVersions, type VersionRow } from '../shared/tables/versions.ts';

const notFound = () =>
  new ServiceError('not_found', 'there is no such version of this path, or it is no longer kept: see its history');

/** Makes an old version's content the newest version of the file that is, or was last, at the path; a new file where none was. */
export async function restoreVersion(
  databases: Databases,
  userId: string,
  request: RestoreRequest,
): Promise<CommitResult[]> {
  const { device_id: deviceId, path, version } = request;
  const shard = databases.shardOf(userId);
  await requireDevice(shard.pool, shard, userId, deviceId);
  const [old] = await findVersions(shard.pool, shard, userId, [{ path, version }]);
  if (!old || old.change_type === 'delete') throw notFound();
  const id = versionId(userId, { kind: 'restore', id: request.request_id }, 0, path);
  const hashes = [...new Set(toHexes(old.block_hashes))];
  const counted = await reuseBlocks(databases.blocks, [{ versionId: id, userId, hashes }]);
  if (!counted.has(id)) throw notFound();

  const results = await transaction(shard.pool, async (sql) => {
    const account = await lockAccount(sql, shard, userId);
    return await answerOnce(sql, shard, userId, { kind: 'restore', ...request }, async () => {
      const target = (await findTargets(sql, shard, userId, [path])).get(path)!;
      const error = await check(sql, shard, userId, { request, old, target, account });
      return [error ? { path, error } : await commit(sql, shard, account, { userId, deviceId, id, path, old, target })];
    });
  });
  await lowerRefused(databases.blocks, [id], results);
  return results;
}

async function check(
  sql: PoolClient,
  shard: Shard,
  userId: string,
  {
    request: { path, base_version: baseVersion },
    old,
    target,
    account,
  }: { request: RestoreRequest; old: VersionRow; target: Target; account: Account },
): Promise<ItemError | undefined> {
  const appearing = target.file_id === null ? [{ path, kind: old.kind }] : [];
  const conflicts = await pathConflicts(sql, shard, userId, appearing);
  const refused = refusal({ path, kind: old.kind, baseVersion }, target, conflicts);
  if (refused) return refused;
  const quota = account.quota_bytes ?? account.default_quota_bytes ?? Number.POSITIVE_INFINITY;
  const more = old.size_bytes - (target.size_bytes ?? 0);
  if (more > 0 && account.used_bytes + account.reserved_bytes + more > quota) {
    return itemError('quota_exceeded', `needs ${more} more bytes: delete files or raise the quota`);
  }
  return undefined;
}

async function commit(
  sql: PoolClient,
  shard: Shard,
  account: Account,
  what: { userId: string; deviceId: string; id: string; path: string; old: VersionRow; target: Target },
): Promise<CommitResult> {
  const { userId, deviceId, id, path, old, target } = what;
  const version = Math.max(target.version ?? 0, target.last_version) + 1;
  const [cursor] = await writeCommits(sql, shard, account, { userId, deviceId, releasedBytes: 0 }, [
    {
      versionId: id,
      fileId: target.file_id ?? (target.deleted_kind === old.kind ? target.deleted_file_id : null) ?? randomUUID(),
      version,
      changeType: target.file_id === null ? 'create' : 'update',
      path,
      kind: old.kind,
      hashes: toHexes(old.block_hashes),
      sizes: old.block_sizes,
      size: old.size_bytes,
      mtimeMs: old.mtime_ms,
      mode: old.mode,
      replacedBytes: target.size_bytes ?? 0,
    },
  ]);
  return { path, version, version_id: id, cursor: cursor! };
}
