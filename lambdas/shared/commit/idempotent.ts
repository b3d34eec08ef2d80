import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { CommitResult } from '../../../protocol/commit.ts';
import { Refusal } from '../answers/errors.ts';
import type { Namespace } from '../database/rows.ts';
import { findAnswer, keepAnswer } from '../tables/requests.ts';

/** What the client sent, with the kind of call. */
interface Call {
  kind: 'delete' | 'move' | 'restore';
  request_id: string;
}

/**
 * The answer that the call got before, if it is a retry. To be asked before anything is counted for the call.
 * @throws Refusal `bad_request` when the request id has been used for another call
 */
export async function earlierAnswer(namespace: Namespace, call: Call): Promise<CommitResult[] | undefined> {
  const before = await findAnswer(namespace, call.request_id);
  if (before && !before.digest.equals(digestOf(call))) {
    throw new Refusal('bad_request', 'this request_id stands for another call: take a new one');
  }
  return before?.results;
}

/** Runs a call that commits, unless it is a retry, as `earlierAnswer`. The transaction holds the account's lock. */
export async function answerOnce(
  namespace: Namespace<PoolClient>,
  call: Call,
  commit: () => Promise<CommitResult[]>,
): Promise<CommitResult[]> {
  const before = await earlierAnswer(namespace, call);
  if (before) return before;
  const results = await commit();
  await keepAnswer(namespace, { requestId: call.request_id, digest: digestOf(call), results });
  return results;
}

function digestOf(call: Call): Buffer {
  return createHash('sha256').update(JSON.stringify(call)).digest();
}
