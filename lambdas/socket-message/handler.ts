import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type SocketMessage, SocketRequest } from '../../protocol/socket.ts';
import type { SocketEvent } from '../shared/sockets/socket-event.ts';

/** What a client sends over its socket: pings, which keep the connection open. */
export async function handler(event: SocketEvent): Promise<APIGatewayProxyStructuredResultV2> {
  return { statusCode: 200, body: JSON.stringify(answer(event.body)) };
}

function answer(body: string | undefined): SocketMessage {
  try {
    SocketRequest.parse(JSON.parse(body ?? ''));
    return { type: 'pong' };
  } catch {
    return { type: 'error', code: 'bad_request', message: 'only {"type":"ping"} is understood' };
  }
}
