import type { CommitResponse } from '../../protocol/commit.ts';
import { FinalizeRequest } from '../../protocol/finalize.ts';
import { commitAnswer } from '../shared/commit/answer.ts';
import { databases } from '../shared/database/database.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { finalizeUpload } from './finalize.ts';

export const handler = route(async (event, userId): Promise<CommitResponse> => {
  const { results, missing } = await finalizeUpload(databases(), userId, jsonBody(event, FinalizeRequest));
  return await commitAnswer(databases().shardOf(userId), results, missing.length > 0 ? { hashes: missing } : {});
});
