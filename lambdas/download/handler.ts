import { DownloadRequest, type DownloadResponse } from '../../protocol/download.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { callerSignIn } from '../shared/runtime/request.ts';
import { fill } from './fill.ts';
import { locate } from './locate-client.ts';
import { signDownloads } from './sign.ts';

export const handler = route(async (event, userId): Promise<DownloadResponse> => {
  const located = await locate({ userId, signIn: callerSignIn(), request: jsonBody(event, DownloadRequest) });
  if ('error' in located) throw new Refusal(located.error.code, located.error.message);
  const { urls, expiresAt } = await signDownloads(located.sign);
  return fill({ ...located, urls }, expiresAt);
});
