import { HistoryQuery, type HistoryResponse } from '../../protocol/history.ts';
import { databases } from '../shared/database/database.ts';
import { personOf } from '../shared/database/rows.ts';
import { query, route } from '../shared/http/route.ts';
import { readHistory } from './history.ts';

export const handler = route(
  async (event, userId): Promise<HistoryResponse> =>
    await readHistory(personOf(databases(), userId), query(event, HistoryQuery)),
);
