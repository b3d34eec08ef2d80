import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { CommitResult } from '../../../protocol/commit.ts';
import { Refusal } from '../answers/errors.ts';
import type { Namespace } from '../database/rows.ts';
import { findAnswer, keepAnswer } from '../tables/requests.ts';

/** What the client sent, with the kind of call. */
export interface Call {
  kind: 'delete' | 'move' | 'restore';
  request_id: string;
}

/** The request id has been used for another call. */
export class AnotherCall extends Refusal {
  constructor() {
    super('bad_request', 'this request_id stands for another call: take a new one');
  }
}

/** A name of the call that no other call has, whatever id its client chose. */
export function nameOfCall(call: Call): string {
  return digestOf(call).toString('hex');
}

/**
 * The answer that the call got before, if it is a retry. To be asked before anything is counted for the call.
 * @throws AnotherCall when the request id has been used for another one
 */
export async function earlierAnswer(namespace: Namespace, call: Call): Promise<CommitResult[] | undefined> {
  const before = await findAnswer(namespace, call.request_id);
  if (before && !before.digest.equals(digestOf(call))) {
    throw new AnotherCall();
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
