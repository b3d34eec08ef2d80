import { randomUUID } from 'node:crypto';
import type { CommitResult } from '../../../protocol/commit.ts';
import type { ItemError } from '../../../protocol/errors.ts';
import { pathConflicts, refusal } from '../commit/path-rules.ts';
import { keptBytes } from '../commit/room.ts';
import { otherTimeline } from '../commit/timeline.ts';
import { type Commit, writeCommits } from '../commit/write-commits.ts';
import { within } from '../database/database.ts';
import type { Database, Namespace } from '../database/rows.ts';
import { lockAccount, releaseBytes } from '../tables/accounts.ts';
import { findTargets, type Target } from '../tables/files.ts';
import { listUploadFiles, requireUpload, settleUpload, settleUploadFiles, type UploadFile } from '../tables/uploads.ts';
import type { ReadyFile } from './raise.ts';

/** The device that commits, and the timeline in which it knows the base versions. */
export interface Committer {
  deviceId: string;
  timeline: string | undefined;
}

/**
 * Commits each file whose path still has its base version, all in one transaction, and keeps the answers. Returns all
 * files of the upload with their results so far.
 * @param contents of the only file, for the pushes
 */
export async function commitFiles(
  namespace: Namespace<Database>,
  uploadId: string,
  { deviceId, timeline }: Committer,
  ready: readonly ReadyFile[],
  contents?: Commit['contents'],
): Promise<UploadFile[]> {
  return await within(namespace, async (namespace) => {
    const account = await lockAccount(namespace);
    const upload = await requireUpload(namespace, uploadId);
    const files = await listUploadFiles(namespace, uploadId);
    const open = ready.filter(({ position }) => files[position]?.result === null);
    const other = otherTimeline(account, timeline);
    const paths = open.map(({ path }) => path);
    const targets = await findTargets(namespace, paths);
    const current = open.filter((file) => file.baseVersion === (targets.get(file.path)!.version ?? 0));
    const appearing = current.filter(({ path }) => targets.get(path)!.file_id === null);
    const conflicts = await pathConflicts(namespace, appearing);

    const why = (file: ReadyFile): ItemError | undefined => other ?? refusal(file, targets.get(file.path)!, conflicts);
    const winners = current.filter((file) => !why(file));
    const commits = winners.map((file) => ({
      ...toCommit(file, targets.get(file.path)!),
      ...(contents && { contents }),
    }));
    const releasedBytes = open.reduce((sum, { reservedBytes }) => sum + reservedBytes, 0);
    const cursors = await writeCommits(namespace, account, { deviceId, releasedBytes }, commits);
    const done = new Map(commits.map((commit, index) => [commit.path, { commit, cursor: cursors[index]! }]));
    const settled = open.map((file) => ({
      position: file.position,
      result: toResult(file.path, done.get(file.path), () => why(file)!),
    }));
    await settleUploadFiles(namespace, uploadId, settled);
    for (const { position, result } of settled) files[position]!.result = result;
    if (open.length > 0 && files.every(({ result }) => result !== null)) {
      const kept = Math.min(upload.kept_bytes, keptWhenSettled(files));
      await settleUpload(namespace, uploadId, kept);
      await releaseBytes(namespace, [{ id: namespace.id, reserved: 0, kept: upload.kept_bytes - kept }]);
    }
    return files;
  });
}

/** What an upload keeps until it expires: its answers, and what it sent for files that were refused. */
function keptWhenSettled(files: readonly UploadFile[]): number {
  const refused = files.filter(({ result }) => result !== null && 'error' in result);
  const sizes = new Map(refused.flatMap(({ hashes, sizes }) => hashes.map((hash, index) => [hash, sizes[index]!])));
  return [...sizes.values()].reduce((sum, size) => sum + keptBytes(size), (1 + files.length) * keptBytes(0));
}

function toCommit(file: ReadyFile, target: Target): Commit {
  const again = target.deleted_kind === file.kind ? target.deleted_file_id : null;
  return {
    versionId: file.versionId,
    fileId: target.file_id ?? again ?? randomUUID(),
    version: Math.max(target.version ?? 0, target.last_version) + 1,
    changeType: target.file_id === null ? 'create' : 'update',
    path: file.path,
    kind: file.kind,
    hashes: file.hashes,
    sizes: file.sizes,
    size: file.size,
    mtimeMs: file.mtimeMs,
    mode: file.mode,
    replacedBytes: target.size_bytes ?? 0,
    deltaSizes: file.deltaSizes,
  };
}

function toResult(
  path: string,
  done: { commit: Commit; cursor: number } | undefined,
  refused: () => ItemError,
): CommitResult {
  if (!done) return { path, error: refused() };
  return { path, version: done.commit.version, version_id: done.commit.versionId, cursor: done.cursor };
}
