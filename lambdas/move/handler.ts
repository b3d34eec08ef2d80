import type { CommitResponse } from '../../protocol/commit.ts';
import { MoveRequest } from '../../protocol/move.ts';
import { publishAndAnswer } from '../shared/commit/publish-and-answer.ts';
import { databases } from '../shared/database/database.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { moveFiles } from './move.ts';

export const handler = route(async (event, userId): Promise<CommitResponse> => {
  const shard = databases().shardOf(userId);
  return await publishAndAnswer(shard, await moveFiles(databases(), userId, jsonBody(event, MoveRequest)));
});
