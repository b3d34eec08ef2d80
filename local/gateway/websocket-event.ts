import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { clockTime } from './http-event.ts';

/** A client's connection, from its handshake on. */
export interface Connection {
  readonly id: string;
  readonly apiId: string;
  readonly stage: string;
  readonly connectedAt: number;
  readonly handshake: IncomingMessage;
  /** What the authorizer said, handed to every function of the connection. */
  readonly authorizer: Readonly<Record<string, unknown>> | undefined;
}

function requestId(): string {
  return randomBytes(11).toString('base64');
}

/** Headers and query string in the single- and multi-value forms of WebSocket events. */
export function requestParts(handshake: IncomingMessage): Record<string, unknown> {
  const multi: Record<string, string[]> = {};
  for (let index = 0; index < handshake.rawHeaders.length; index += 2) {
    const name = handshake.rawHeaders[index] ?? '';
    multi[name] = [...(multi[name] ?? []), handshake.rawHeaders[index + 1] ?? ''];
  }
  const query = new URLSearchParams((handshake.url ?? '').split('?')[1] ?? '');
  const names = [...new Set(query.keys())];
  const last = ([name, values]: [string, string[]]) => [name, values.at(-1)];
  return {
    headers: Object.fromEntries(Object.entries(multi).map(last)),
    multiValueHeaders: multi,
    ...(names.length > 0 && {
      queryStringParameters: Object.fromEntries(names.map((name) => [name, query.getAll(name).at(-1)])),
      multiValueQueryStringParameters: Object.fromEntries(names.map((name) => [name, query.getAll(name)])),
    }),
  };
}

/** The requestContext that API Gateway hands to functions and authorizers of a WebSocket API. */
export function requestContext(
  connection: Connection,
  routeKey: string,
  eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT',
): Record<string, unknown> {
  const now = new Date();
  const id = requestId();
  const { handshake, authorizer } = connection;
  return {
    routeKey,
    eventType,
    extendedRequestId: id,
    requestId: id,
    requestTime: clockTime(now),
    requestTimeEpoch: now.getTime(),
    messageDirection: 'IN',
    stage: connection.stage,
    connectedAt: connection.connectedAt,
    connectionId: connection.id,
    apiId: connection.apiId,
    domainName: (handshake.headers.host ?? '').split(':')[0],
    identity: {
      sourceIp: handshake.socket.remoteAddress ?? '',
      ...(handshake.headers['user-agent'] !== undefined && { userAgent: handshake.headers['user-agent'] }),
    },
    ...(authorizer && { authorizer }),
  };
}
