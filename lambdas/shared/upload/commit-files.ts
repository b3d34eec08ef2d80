import { randomUUID } from 'node:crypto';
import type { CommitResult } from '../../../protocol/commit.ts';
import type { ItemError } from '../../../protocol/errors.ts';
import { refusal } from '../commit/path-rules.ts';
import { keptBytes } from '../commit/room.ts';
import { isAsSeen, lookAround, type Seen } from '../commit/surroundings.ts';
import { otherTimeline } from '../commit/timeline.ts';
import { type Commit, writeCommits } from '../commit/write-commits.ts';
import { within } from '../database/database.ts';
import type { Database, Namespace } from '../database/rows.ts';
import { lockAccount } from '../tables/accounts.ts';
import type { Target } from '../tables/files.ts';
import { requireAnswers, settleFiles, type UploadFile } from '../tables/uploads.ts';
import type { ReadyFile } from './raise.ts';

/** The device that commits, and the timeline in which it knows the base versions. */
export interface Committer {
  deviceId: string;
  timeline: string | undefined;
}

/** The files of an upload, as they were before the account's lock. */
export interface Offer {
  readonly files: readonly UploadFile[];
  /** Where they are to come, if somebody has looked. */
  readonly seen?: Seen | undefined;
  /** Of the only file, for the pushes. */
  readonly contents?: Commit['contents'];
}

/**
 * Commits each file whose path still has its base version, all in one transaction, and keeps the answers. Returns all
 * files of the upload with their results so far.
 * @param ready those that have their blocks
 */
export async function commitFiles(
  namespace: Namespace<Database>,
  uploadId: string,
  { deviceId, timeline }: Committer,
  { files: offered, seen, contents }: Offer,
  ready: readonly ReadyFile[],
): Promise<UploadFile[]> {
  return await within(namespace, async (namespace) => {
    const account = await lockAccount(namespace);
    const { answers, kept_bytes } = await requireAnswers(namespace, uploadId);
    const files = offered.map((file) => ({ ...file, result: answers.get(file.position) ?? null }));
    const open = ready.filter(({ position }) => !answers.has(position));
    const other = otherTimeline(account, timeline);
    const { targets, conflicts } = seen && isAsSeen(seen, account) ? seen : await lookAround(namespace, open);

    const refused = new Map<number, ItemError>();
    for (const file of open) {
      const error = other ?? refusal(file, targets.get(file.path)!, conflicts);
      if (error) refused.set(file.position, error);
    }
    const commits = open
      .filter(({ position }) => !refused.has(position))
      .map((file) => ({ ...toCommit(file, targets.get(file.path)!), ...(contents && { contents }) }));
    const answered = new Set([...answers.keys(), ...open.map(({ position }) => position)]);
    const isOver = open.length > 0 && files.every(({ position }) => answered.has(position));
    const kept = isOver ? Math.min(kept_bytes, keptWhenSettled(files, refused)) : kept_bytes;
    const released = {
      reserved: open.reduce((sum, { reservedBytes }) => sum + reservedBytes, 0),
      kept: kept_bytes - kept,
    };
    const cursors = await writeCommits(namespace, account, { deviceId, released }, commits);
    const done = new Map(commits.map((commit, index) => [commit.path, { commit, cursor: cursors[index]! }]));
    const settled = open.map(({ position, path }) => ({
      position,
      result: toResult(path, done.get(path), refused.get(position)),
    }));
    await settleFiles(namespace, uploadId, settled, isOver ? kept : undefined);
    for (const { position, result } of settled) files[position]!.result = result;
    return files;
  });
}

/** What an upload keeps until it expires: its answers, and what it sent for files that were refused. */
function keptWhenSettled(files: readonly UploadFile[], refused: ReadonlyMap<number, ItemError>): number {
  const lost = files.filter(({ position, result }) => refused.has(position) || (result && 'error' in result));
  const sizes = new Map(lost.flatMap(({ hashes, sizes }) => hashes.map((hash, index) => [hash, sizes[index]!])));
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
  refused: ItemError | undefined,
): CommitResult {
  if (!done) return { path, error: refused! };
  return { path, version: done.commit.version, version_id: done.commit.versionId, cursor: done.cursor };
}
