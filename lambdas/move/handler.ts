import type { CommitResponse } from '../../protocol/commit.ts';
import { MoveRequest } from '../../protocol/move.ts';
import { publishAndAnswer } from '../shared/commit/publish-and-answer.ts';
import { databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { moveFiles } from './move.ts';

export const handler = route(async (event, userId): Promise<CommitResponse> => {
  const namespace = ownNamespace(personOf(databases(), userId));
  return await publishAndAnswer(namespace, await moveFiles(databases(), userId, jsonBody(event, MoveRequest)));
});
