/*
 * What finalize, move, restore and delete share: references rise, versions appear, references fall, the relay is
 * woken.
 */

import type { PoolClient } from 'pg';
import type { Contents } from '../../../protocol/changes.ts';
import { ancestors } from '../../../protocol/path.ts';
import { Refusal } from '../answers/errors.ts';
import type { Namespace } from '../database/rows.ts';
import { type Account, updateAccount } from '../tables/accounts.ts';
import { insertChanges } from '../tables/changes.ts';
import { forgetTreeHashes } from '../tables/directories.ts';
import { leavePaths, putFiles } from '../tables/files.ts';
import { holdBlocks } from '../tables/held-blocks.ts';
import { type NewVersion, versionRecords } from '../tables/new-versions.ts';
import { insertEvents } from '../tables/outbox.ts';
import { insertVersions, supersedeVersions } from '../tables/versions.ts';
import { toEvent } from './event.ts';
import { newsOf } from './news.ts';
import { keptBytes } from './room.ts';

/** One new version, decided and ready to be written. */
export interface Commit extends NewVersion {
  /** Bytes of live content that this version takes the place of. */
  replacedBytes: number;
  deltaSizes?: readonly number[];
  /** What pushes may carry of its content, see `News`. */
  contents?: Contents;
}

/**
 * Writes new versions with all that follows from them: files, history, changes, events, holds, usage, stale tree hashes.
 * The transaction holds the account's lock. Returns the change number of each, in order.
 */
export async function writeCommits(
  namespace: Namespace<PoolClient>,
  account: Account,
  { deviceId, releasedBytes }: { deviceId: string; releasedBytes: number },
  commits: readonly Commit[],
): Promise<number[]> {
  const seqs = commits.map((_, index) => account.change_seq + 1 + index);
  const records = versionRecords(commits, account.change_seq + 1);
  const fileIds = commits.map(({ fileId }) => fileId);
  // A moved file leaves its path before another may take it.
  const known = await leavePaths(namespace, fileIds);
  await supersedeVersions(namespace, known);
  await putFiles(namespace, records);
  const made = await insertVersions(namespace, records, deviceId);
  if (made !== commits.length) throw usedBefore();
  await insertChanges(namespace, records);
  const events = commits.map((commit, index) => {
    const made = { deviceId, timestamp: account.now, cursor: seqs[index]! };
    const news = commit.contents && newsOf(commit, commit.contents, { ...made, timeline: account.timeline });
    return { ...toEvent(commit, { ...made, namespaceId: namespace.id }), ...(news && { news }) };
  });
  await insertEvents(namespace, events);

  const held = commits.flatMap(({ hashes }) => [...new Set(hashes)]);
  const newlyHeld = await holdBlocks(namespace, held);
  const newDirectories = await forgetTreeHashes(namespace, changedDirectories(commits));
  const sizes = sizesOf(commits);
  const kept = newlyHeld.reduce((sum, hash) => sum + keptBytes(sizes.get(hash)!), 0);
  await updateAccount(namespace, {
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
export const usedBefore = () =>
  new Refusal('bad_request', 'this id stands for a call of days ago that was carried out: take a new one');

/** Every directory above a changed path has to be hashed anew; so has a directory that changed itself. */
export function changedDirectories(commits: readonly Pick<Commit, 'path' | 'movedFrom' | 'kind'>[]): string[] {
  const changed = new Set<string>(['']);
  for (const { path, movedFrom, kind } of commits) {
    for (const place of movedFrom === undefined ? [path] : [path, movedFrom]) {
      if (kind === 'directory') changed.add(place);
      for (const directory of ancestors(place)) changed.add(directory);
    }
  }
  return [...changed];
}
