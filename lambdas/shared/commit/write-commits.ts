/*
 * What finalize, move, restore and delete share: references rise, versions appear, references fall, the relay is
 * woken.
 */

import type { PoolClient } from 'pg';
import type { Contents } from '../../../protocol/changes.ts';
import { ancestors } from '../../../protocol/path.ts';
import { Refusal } from '../answers/errors.ts';
import type { Namespace } from '../database/rows.ts';
import type { Account } from '../tables/accounts.ts';
import { bookCommits, type UsedBlock } from '../tables/book-commits.ts';
import { leavePaths } from '../tables/files.ts';
import type { NewVersion } from '../tables/new-versions.ts';
import { supersedeVersions } from '../tables/versions.ts';
import { writeVersions } from '../tables/write-versions.ts';
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

/** What a commit gives back of what was promised to its upload, or kept for it, in bytes. */
export interface Released {
  reserved: number;
  kept: number;
}

/**
 * Writes new versions with all that follows from them: files, history, changes, events, holds, usage, stale tree hashes.
 * The transaction holds the account's lock. Returns the change number of each, in order.
 */
export async function writeCommits(
  namespace: Namespace<PoolClient>,
  account: Account,
  { deviceId, released }: { deviceId: string; released?: Released },
  commits: readonly Commit[],
): Promise<number[]> {
  const seqs = commits.map((_, index) => account.change_seq + 1 + index);
  // A moved file leaves its path before another may take it.
  await leavePaths(namespace, fileIdsOf(commits, 'move'));
  await supersedeVersions(namespace, fileIdsOf(commits, 'update', 'move', 'delete'));
  const versions = commits.map((commit, index) => {
    const made = { deviceId, timestamp: account.now, cursor: seqs[index]! };
    const news = commit.contents && newsOf(commit, commit.contents, { ...made, timeline: account.timeline });
    const event = { ...toEvent(commit, { ...made, namespaceId: namespace.id }), ...(news && { news }) };
    return { version: commit, event };
  });
  const made = await writeVersions(namespace, versions, deviceId);
  if (made !== commits.length) throw usedBefore();
  await bookCommits(namespace, commits.flatMap(blocksOf), changedDirectories(commits), {
    ...changeOf(commits),
    reserved: -(released?.reserved ?? 0),
    kept: commits.length * keptBytes(0) - (released?.kept ?? 0),
    changes: commits.length,
  });
  return seqs;
}

function fileIdsOf(commits: readonly Commit[], ...types: readonly Commit['changeType'][]): string[] {
  return commits.filter(({ changeType }) => types.includes(changeType)).map(({ fileId }) => fileId);
}

/** The distinct blocks of a version. */
export function blocksOf({ hashes, sizes }: Pick<Commit, 'hashes' | 'sizes'>): UsedBlock[] {
  return [...new Map(hashes.map((hash, index) => [hash, sizes[index]!]))].map(([hash, size]) => ({ hash, size }));
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
