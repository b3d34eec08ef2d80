import type { CommitResponse } from '../../protocol/commit.ts';
import { FinalizeRequest } from '../../protocol/finalize.ts';
import { commitAnswer } from '../shared/commit/answer.ts';
import { wakeRelay } from '../shared/commit/wake-relay.ts';
import { databases } from '../shared/database.ts';
import { jsonBody, route } from '../shared/http.ts';
import { finalizeUpload } from './finalize.ts';

export const handler = route(async (event, userId): Promise<CommitResponse> => {
  const request = jsonBody(event, FinalizeRequest);
  const { results, committed, missing } = await finalizeUpload(databases(), userId, request);
  if (committed) await wakeRelay(databases().shardOf(userId).number);
  return commitAnswer(results, missing.length > 0 ? { hashes: missing } : {});
});
