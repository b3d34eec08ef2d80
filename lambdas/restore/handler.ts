import type { CommitResponse } from '../../protocol/commit.ts';
import { RestoreRequest } from '../../protocol/restore.ts';
import { publishAndAnswer } from '../shared/commit/publish-and-answer.ts';
import { databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { restoreVersions } from './restore.ts';

export const handler = route(async (event, userId): Promise<CommitResponse> => {
  const namespace = ownNamespace(personOf(databases(), userId));
  return await publishAndAnswer(namespace, await restoreVersions(databases(), userId, jsonBody(event, RestoreRequest)));
});
