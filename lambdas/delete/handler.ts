import type { CommitResponse } from '../../protocol/commit.ts';
import { DeleteRequest } from '../../protocol/delete.ts';
import { publishAndAnswer } from '../shared/commit/publish-and-answer.ts';
import { databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { deleteFiles } from './delete.ts';

export const handler = route(async (event, userId): Promise<CommitResponse> => {
  const person = personOf(databases(), userId);
  return await publishAndAnswer(ownNamespace(person), await deleteFiles(person, jsonBody(event, DeleteRequest)));
});
