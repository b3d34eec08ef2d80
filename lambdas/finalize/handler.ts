import type { CommitResponse } from '../../protocol/commit.ts';
import { FinalizeRequest } from '../../protocol/finalize.ts';
import { publishAndAnswer } from '../shared/commit/publish-and-answer.ts';
import { databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { finalizeUpload } from './finalize.ts';

export const handler = route(async (event, userId): Promise<CommitResponse> => {
  const { results, missing } = await finalizeUpload(databases(), userId, jsonBody(event, FinalizeRequest));
  const namespace = ownNamespace(personOf(databases(), userId));
  return await publishAndAnswer(namespace, results, missing.length > 0 ? { hashes: missing } : {});
});
