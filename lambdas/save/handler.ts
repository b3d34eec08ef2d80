import type { CommitResponse } from '../../protocol/commit.ts';
import { saveContentType } from '../../protocol/save.ts';
import { publishAndAnswer } from '../shared/commit/publish-and-answer.ts';
import { databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { binaryBody, route } from '../shared/http/route.ts';
import '../shared/runtime/roomy-heap.ts';
import { requireEnv } from '../shared/runtime/env.ts';
import { readSaveBody } from './read-body.ts';
import { saveFiles } from './save.ts';

export const handler = route(async (event, userId): Promise<CommitResponse> => {
  const body = await binaryBody(event, saveContentType, readSaveBody);
  const { results, missing } = await saveFiles(databases(), userId, body, Number(requireEnv('QUOTA_BYTES')));
  const namespace = ownNamespace(personOf(databases(), userId));
  return await publishAndAnswer(namespace, results, missing.length > 0 ? { hashes: missing } : {});
});
