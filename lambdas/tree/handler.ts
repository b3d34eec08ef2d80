import { TreeQuery, type TreeResponse } from '../../protocol/tree.ts';
import { databases } from '../shared/database/database.ts';
import { personOf } from '../shared/database/rows.ts';
import { query, route } from '../shared/http/route.ts';
import { readTree } from './tree.ts';

/** Under the function's 29 s, with room for the transaction that is under way. */
const RUN_MS = 20_000;

export const handler = route(
  async (event, userId): Promise<TreeResponse> =>
    await readTree(personOf(databases(), userId), query(event, TreeQuery), Date.now() + RUN_MS),
);
