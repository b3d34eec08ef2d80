import { TreeQuery, type TreeResponse } from '../../protocol/tree.ts';
import { databases } from '../shared/database.ts';
import { query, route } from '../shared/http.ts';
import { readTree } from './tree.ts';

export const handler = route(
  async (event, userId): Promise<TreeResponse> =>
    await readTree(databases().shardOf(userId), userId, query(event, TreeQuery)),
);
