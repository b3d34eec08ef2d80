import { ZodError } from 'zod';
import { type DeltaApplyResponse, decodeDeltaBody, deltaContentType } from '../../protocol/delta-apply.ts';
import { limits } from '../../protocol/limits.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { databases } from '../shared/database/database.ts';
import { badRequest, binaryBody, route } from '../shared/http/route.ts';
import { applyDeltas } from './apply.ts';

export const handler = route(async (event, userId): Promise<DeltaApplyResponse> => {
  const body = binaryBody(event, deltaContentType);
  if (body.length > limits.deltaBodyBytes) {
    throw new Refusal('body_too_large', `send at most ${limits.deltaBodyBytes} bytes of deltas in one call`);
  }
  return await applyDeltas(databases(), userId, decoded(body));
});

function decoded(body: Uint8Array): ReturnType<typeof decodeDeltaBody> {
  try {
    return decodeDeltaBody(body);
  } catch (error) {
    if (error instanceof ZodError) throw badRequest(error);
    if (error instanceof SyntaxError || error instanceof TypeError) throw new Refusal('bad_request', error.message);
    throw error;
  }
}
