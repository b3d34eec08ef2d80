import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { CommitResult } from '../../../protocol/commit.ts';
import type { Shard } from '../database.ts';
import { ServiceError } from '../errors.ts';
import { findAnswer, keepAnswer } from '../tables/requests.ts';

/**
 * Runs a call that commits, unless it is a retry: that gets the answer of the first. The transaction holds the account's
 * lock.
 * @param request what the client sent, with the kind of call
 * @throws ServiceError `bad_request` when the request id has been used for another call
 */
export async function answerOnce(
  sql: PoolClient,
  shard: Shard,
  userId: string,
  request: { kind: 'delete' | 'move' | 'restore'; request_id: string },
  commit: () => Promise<CommitResult[]>,
): Promise<CommitResult[]> {
  const digest = createHash('sha256').update(JSON.stringify(request)).digest();
  const before = await findAnswer(sql, shard, userId, request.request_id);
  if (before && !before.digest.equals(digest)) {
    throw new ServiceError('bad_request', 'this request_id stands for another call: take a new one');
  }
  if (before) return before.results;
  const results = await commit();
  await keepAnswer(sql, shard, userId, { id: request.request_id, digest, results });
  return results;
}
