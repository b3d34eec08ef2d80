import type { Located, LocateRequest } from '../../protocol/internal/locate.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { databases } from '../shared/database/database.ts';
import { requireEnv } from '../shared/runtime/env.ts';
import { comesBy } from '../shared/runtime/request.ts';
import { locateFiles } from './locate.ts';

/**
 * The half of download that needs SQL: invoked by it, never from outside. Errors for the caller are answers, so that an
 * invocation that fails is always a fault.
 */
export async function handler({ userId, signIn, request }: LocateRequest): Promise<Located> {
  comesBy(signIn);
  try {
    return await locateFiles(databases(), userId, request, requireEnv('DEDUP_SCOPE') === 'all');
  } catch (error) {
    if (error instanceof Refusal) return { error: { code: error.code, message: error.message } };
    throw error;
  }
}
