import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { UploadInitRequest, UploadInitResponse } from '../../protocol/upload-init.ts';
import { directoryRefusals, pathConflicts, refusal } from '../shared/commit/path-rules.ts';
import { type Shard, transaction } from '../shared/database.ts';
import { itemError, ServiceError } from '../shared/errors.ts';
import { type Account, lockAccount, reserveBytes } from '../shared/tables/accounts.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { findTargets } from '../shared/tables/files.ts';
import { filterHeld } from '../shared/tables/held-blocks.ts';
import { findUpload, insertUpload, listUploadFiles, renewUpload } from '../shared/tables/uploads.ts';

type Offered = UploadInitRequest['files'][number];

interface OpenSession {
  expiresAt: number;
  refused: UploadInitResponse['refused'];
  /** Paths of the files that still wait for finalize. */
  openPaths: string[];
  /** Of their blocks, those that some version of this user holds. */
  held: Set<string>;
}

/** Registers the session, or finds it again, in one transaction under the account's lock. */
export async function openSession(
  shard: Shard,
  userId: string,
  request: UploadInitRequest,
  defaultQuota: number,
): Promise<OpenSession> {
  const digest = offerDigest(request.files);
  return await transaction(shard.pool, async (sql) => {
    const account = await lockAccount(sql, shard, userId);
    await requireDevice(sql, shard, userId, request.device_id);
    const upload = await findUpload(sql, shard, userId, request.upload_id);
    if (upload?.expired) throw new ServiceError('upload_gone', 'this upload expired: start again with a new upload_id');
    if (upload && !upload.offer_digest.equals(digest)) {
      throw new ServiceError('upload_gone', 'this upload_id stands for other files: take a new upload_id');
    }
    let refused = upload?.refused;
    if (!refused) {
      const checked = await checkFiles(sql, shard, userId, request.files, account, defaultQuota);
      refused = checked.refused;
      const bytes = checked.files.reduce((sum, { reservedBytes }) => sum + reservedBytes, 0);
      await reserveBytes(sql, shard, userId, bytes, defaultQuota);
      const { upload_id: uploadId, device_id: deviceId } = request;
      await insertUpload(sql, shard, userId, { uploadId, deviceId, digest, refused, files: checked.files });
    }
    const expiresAt = await renewUpload(sql, shard, userId, request.upload_id);
    const files = await listUploadFiles(sql, shard, userId, request.upload_id);
    const open = files.filter(({ result }) => result === null);
    const held = await filterHeld(sql, shard, userId, [...new Set(open.flatMap(({ hashes }) => hashes))]);
    return { expiresAt, refused, openPaths: open.map(({ path }) => path), held };
  });
}

/** Says early what finalize would refuse, and how much each of the others may add to the user's bytes. */
async function checkFiles(
  sql: PoolClient,
  shard: Shard,
  userId: string,
  files: readonly Offered[],
  account: Account,
  defaultQuota: number,
): Promise<{ refused: UploadInitResponse['refused']; files: { file: Offered; reservedBytes: number }[] }> {
  const paths = files.map(({ path }) => path);
  const targets = await findTargets(sql, shard, userId, paths);
  const appearing = files.filter(({ path }) => targets.get(path)!.file_id === null);
  const conflicts = await pathConflicts(sql, shard, userId, appearing);
  let free = (account.quota_bytes ?? defaultQuota) - account.used_bytes - account.reserved_bytes;
  const refused: UploadInitResponse['refused'] = [];
  const accepted: { file: Offered; reservedBytes: number }[] = [];
  const tooMany = directoryRefusals(files.map(({ path }) => [path]));
  for (const [position, file] of files.entries()) {
    const target = targets.get(file.path)!;
    const reservedBytes = Math.max(0, file.size - (target.size_bytes ?? 0));
    const error =
      refusal({ ...file, baseVersion: file.base_version }, target, conflicts) ??
      tooMany.get(position) ??
      quotaRefusal(reservedBytes, free);
    if (error) {
      refused.push({ path: file.path, error });
    } else {
      free -= reservedBytes;
      accepted.push({ file, reservedBytes });
    }
  }
  return { refused, files: accepted };
}

function quotaRefusal(bytes: number, free: number): ReturnType<typeof itemError> | undefined {
  if (bytes === 0 || bytes <= free) return undefined;
  return itemError(
    'quota_exceeded',
    `needs ${bytes} bytes, ${Math.max(0, free)} are free: delete files or raise the quota`,
  );
}

/** What makes a repeated call the same call; the deltas on offer may differ. */
function offerDigest(files: readonly Offered[]): Buffer {
  const offers = files.map((file) => [
    file.path,
    file.kind,
    file.base_version,
    file.size,
    file.mtime_ms,
    file.mode,
    file.blocks.map(({ hash, size }) => [hash, size]),
  ]);
  return createHash('sha256').update(JSON.stringify(offers)).digest();
}
