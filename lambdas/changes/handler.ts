import { ChangesQuery, type ChangesResponse } from '../../protocol/changes.ts';
import { databases } from '../shared/database/database.ts';
import { personOf } from '../shared/database/rows.ts';
import { query, route } from '../shared/http/route.ts';
import { readChanges } from './changes.ts';
import { contentsOf } from './contents.ts';

export const handler = route(async (event, userId): Promise<ChangesResponse> => {
  const request = query(event, ChangesQuery);
  const person = personOf(databases(), userId);
  const page = await readChanges(person, request);
  const contents = await contentsOf(databases().blocks, person, page, request);
  return { ...page, ...(request.contents !== undefined && { contents }) };
});
