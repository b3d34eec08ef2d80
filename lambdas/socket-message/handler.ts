import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type SocketMessage, SocketRequest } from '../../protocol/socket.ts';
import { logger } from '../shared/runtime/log.ts';
import { CALL_MS } from '../shared/sockets/post.ts';
import { missedBy } from '../shared/sockets/registry.ts';
import { type SocketEvent, socketUser } from '../shared/sockets/socket-event.ts';
import { tellOthers } from './tell-others.ts';

/** What a client sends over its socket: pings, which keep the connection open, and what its other devices are to hear. */
export async function handler(event: SocketEvent): Promise<APIGatewayProxyStructuredResultV2> {
  return { statusCode: 200, body: JSON.stringify(await answer(event)) };
}

async function answer(event: SocketEvent): Promise<SocketMessage> {
  const request = requestIn(event.body);
  if (!request)
    return { type: 'error', code: 'bad_request', message: 'only pings, and what is being sent, are understood' };
  if (request.type === 'ping') return { type: 'pong', missed: await missedIn(event) };
  await tellOthers(event, request);
  return { type: 'pong' };
}

/** Up to which cursor pushes may have missed the connection; `undefined` when nobody knows. */
async function missedIn(event: SocketEvent): Promise<number | undefined> {
  const connection = { userId: socketUser(event).userId, id: event.requestContext.connectionId };
  try {
    return await missedBy(connection, AbortSignal.timeout(CALL_MS));
  } catch (error) {
    logger.warn('the registry does not answer: the pong says nothing of pushes', { error: error as Error });
    return undefined;
  }
}

function requestIn(body: string | undefined): SocketRequest | undefined {
  try {
    return SocketRequest.parse(JSON.parse(body ?? ''));
  } catch {
    return undefined;
  }
}
