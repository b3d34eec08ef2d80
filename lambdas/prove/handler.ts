import { ProveRequest, type ProveResponse } from '../../protocol/prove.ts';
import { databases } from '../shared/database/database.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { checkProofs } from './proofs.ts';

export const handler = route(
  async (event, userId): Promise<ProveResponse> =>
    await checkProofs(databases(), userId, jsonBody(event, ProveRequest)),
);
