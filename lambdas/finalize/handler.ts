import type { CommitResponse } from '../../protocol/commit.ts';
import { FinalizeRequest } from '../../protocol/finalize.ts';
import { publishAndAnswer } from '../shared/commit/publish-and-answer.ts';
import { databases } from '../shared/database/database.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { finalizeUpload } from './finalize.ts';

export const handler = route(async (event, userId): Promise<CommitResponse> => {
  const { results, missing } = await finalizeUpload(databases(), userId, jsonBody(event, FinalizeRequest));
  return await publishAndAnswer(databases().shardOf(userId), results, missing.length > 0 ? { hashes: missing } : {});
});
