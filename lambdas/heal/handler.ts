import pMap from 'p-map';
import { DamageQuery, type DamageResponse, HealRequest, type HealResponse } from '../../protocol/heal.ts';
import { databases } from '../shared/database/database.ts';
import { jsonBody, query, route } from '../shared/http/route.ts';
import { signUpload } from '../shared/store/block-store.ts';
import { healBlocks, listDamage } from './heal.ts';

export const handler = route(async (event, userId): Promise<DamageResponse | HealResponse> => {
  if (event.requestContext.http.method === 'GET') {
    return await listDamage(databases(), userId, query(event, DamageQuery));
  }
  const wanted = await healBlocks(databases(), userId, jsonBody(event, HealRequest));
  return {
    send: await pMap(wanted, async ({ hash, size, token }) => ({ hash, ...(await signUpload(hash, size, token)) }), {
      concurrency: 16,
    }),
  };
});
