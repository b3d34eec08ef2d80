import pMap from 'p-map';
import { PacksRequest, type PacksResponse } from '../../protocol/packs.ts';
import { UploadInitRequest, type UploadInitResponse } from '../../protocol/upload-init.ts';
import { fitting, roomBeside } from '../shared/answers/answer-size.ts';
import { databases } from '../shared/database/database.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { requireEnv } from '../shared/runtime/env.ts';
import { signUpload } from '../shared/store/block-store.ts';
import { initPacks } from './packs.ts';
import { initUpload } from './upload.ts';

export const handler = route(async (event, userId): Promise<UploadInitResponse | PacksResponse> => {
  if (event.routeKey === 'POST /packs') return await initPacks(databases(), userId, jsonBody(event, PacksRequest));
  const request = jsonBody(event, UploadInitRequest);
  const { send, ...answer } = await initUpload(databases(), userId, request, {
    crossUser: requireEnv('DEDUP_SCOPE') === 'all',
    defaultQuota: Number(requireEnv('QUOTA_BYTES')),
  });
  const signed = await pMap(
    send,
    async (block) =>
      block.how === 'put'
        ? { hash: block.hash, how: block.how, ...(await signUpload(block.hash, block.size, block.token)) }
        : block,
    { concurrency: 16 },
  );
  const page = fitting(signed, roomBeside(answer));
  return { ...answer, send: page, ...(page.length < signed.length && { next: page.at(-1)!.hash }) };
});
