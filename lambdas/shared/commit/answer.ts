import type { CommitResponse, CommitResult } from '../../../protocol/commit.ts';
import { ServiceError } from '../errors.ts';

/**
 * The answer of a call that commits. When every item failed with the same code, that is the call's error, with the
 * results in its details.
 */
export function commitAnswer(results: CommitResult[], details: Record<string, unknown> = {}): CommitResponse {
  const errors = results.flatMap((result) => ('error' in result ? [result.error] : []));
  const [first] = errors;
  if (first && errors.length === results.length && errors.every(({ code }) => code === first.code)) {
    throw new ServiceError(first.code, first.message, { ...details, results });
  }
  return { results };
}
