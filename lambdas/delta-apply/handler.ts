import { type DeltaApplyResponse, decodeDeltaBody, deltaContentType } from '../../protocol/delta-apply.ts';
import { databases } from '../shared/database/database.ts';
import { binaryBody, route } from '../shared/http/route.ts';
import '../shared/runtime/roomy-heap.ts';
import { applyDeltas } from './apply.ts';

export const handler = route(
  async (event, userId): Promise<DeltaApplyResponse> =>
    await applyDeltas(databases(), userId, await binaryBody(event, deltaContentType, decodeDeltaBody)),
);
