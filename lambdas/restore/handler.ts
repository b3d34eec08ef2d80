import type { CommitResponse } from '../../protocol/commit.ts';
import { RestoreRequest } from '../../protocol/restore.ts';
import { commitAnswer } from '../shared/commit/answer.ts';
import { databases } from '../shared/database.ts';
import { jsonBody, route } from '../shared/http.ts';
import { restoreVersion } from './restore.ts';

export const handler = route(async (event, userId): Promise<CommitResponse> => {
  const shard = databases().shardOf(userId);
  return await commitAnswer(shard, await restoreVersion(databases(), userId, jsonBody(event, RestoreRequest)));
});
