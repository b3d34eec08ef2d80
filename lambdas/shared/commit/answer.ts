import type { CommitResponse, CommitResult } from '../../../protocol/commit.ts';
import { Refusal } from '../answers/errors.ts';
import type { Shard } from '../database/rows.ts';
import { wakeRelay } from './wake-relay.ts';

/**
 * The answer of a call that commits; has the events of what it committed published. When every item failed with the same
 * code, that is the call's error, with the results in its details.
 */
export async function commitAnswer(
  shard: Shard,
  results: CommitResult[],
  details: Record<string, unknown> = {},
): Promise<CommitResponse> {
  if (results.some((result) => 'version_id' in result)) await wakeRelay(shard.number);
  const errors = results.flatMap((result) => ('error' in result ? [result.error] : []));
  const [first] = errors;
  if (first && errors.length === results.length && errors.every(({ code }) => code === first.code)) {
    throw new Refusal(first.code, first.message, { ...details, results });
  }
  return { results };
}
