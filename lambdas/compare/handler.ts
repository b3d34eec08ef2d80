import { CompareQuery, type CompareResponse } from '../../protocol/compare.ts';
import { databases } from '../shared/database/database.ts';
import { personOf } from '../shared/database/rows.ts';
import { query, route } from '../shared/http/route.ts';
import { compareTree } from './compare.ts';

export const handler = route(
  async (event, userId): Promise<CompareResponse> =>
    await compareTree(personOf(databases(), userId), query(event, CompareQuery)),
);
