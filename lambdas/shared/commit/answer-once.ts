import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { CommitResult } from '../../../protocol/commit.ts';
import { ServiceError } from '../answers/errors.ts';
import type { Shard } from '../database/database.ts';
import type { Sql } from '../database/sql.ts';
import { findAnswer, keepAnswer } from '../tables/requests.ts';

/** What the client sent, with the kind of call. */
interface Call {
  kind: 'delete' | 'move' | 'restore';
  request_id: string;
}

/**
 * The answer that the call got before, if it is a retry. To be asked before anything is counted for the call.
 * @throws ServiceError `bad_request` when the request id has been used for another call
 */
export async function earlierAnswer(
  sql: Sql,
  shard: Shard,
  userId: string,
  call: Call,
): Promise<CommitResult[] | undefined> {
  const before = await findAnswer(sql, shard, userId, call.request_id);
  if (before && !before.digest.equals(digestOf(call))) {
    throw new ServiceError('bad_request', 'this request_id stands for another call: take a new one');
  }
  return before?.results;
}

/** Runs a call that commits, unless it is a retry, as `earlierAnswer`. The transaction holds the account's lock. */
export async function answerOnce(
  sql: PoolClient,
  shard: Shard,
  userId: string,
  call: Call,
  commit: () => Promise<CommitResult[]>,
): Promise<CommitResult[]> {
  const before = await earlierAnswer(sql, shard, userId, call);
  if (before) return before;
  const results = await commit();
  await keepAnswer(sql, shard, userId, { id: call.request_id, digest: digestOf(call), results });
  return results;
}

function digestOf(call: Call): Buffer {
  return createHash('sha256').update(JSON.stringify(call)).digest();
}
