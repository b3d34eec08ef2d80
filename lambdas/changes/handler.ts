import { ChangesQuery, type ChangesResponse } from '../../protocol/changes.ts';
import { databases } from '../shared/database/database.ts';
import { personOf } from '../shared/database/rows.ts';
import { query, route } from '../shared/http/route.ts';
import { readChanges } from './changes.ts';

export const handler = route(
  async (event, userId): Promise<ChangesResponse> =>
    await readChanges(personOf(databases(), userId), query(event, ChangesQuery)),
);
