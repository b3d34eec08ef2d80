import type { CommitResponse } from '../../protocol/commit.ts';
import { MoveRequest } from '../../protocol/move.ts';
import { commitAnswer } from '../shared/commit/answer.ts';
import { databases } from '../shared/database/database.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { moveFiles } from './move.ts';

export const handler = route(async (event, userId): Promise<CommitResponse> => {
  const shard = databases().shardOf(userId);
  return await commitAnswer(shard, await moveFiles(databases(), userId, jsonBody(event, MoveRequest)));
});
