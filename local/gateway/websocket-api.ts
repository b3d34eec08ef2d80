import { randomBytes } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { reason } from '../errors.ts';
import { isObject } from '../json.ts';
import { forwardCallback } from './callbacks.ts';
import { createFrameMeter } from './frames.ts';
import { executeApiArn, type GatewayServices, type Integrated, integrate } from './integration.ts';
import type { Api, Route } from './model.ts';
import { askAuthorizer } from './request-authorizer.ts';
import type { Sockets } from './sockets.ts';
import { type Connection, requestContext, requestParts } from './websocket-event.ts';

/** API Gateway's limits, in bytes. */
const MAX_MESSAGE = 128 * 1024;
const MAX_FRAME = 32 * 1024;
const TOO_BIG = 1009;

/** Answers a handshake with an error and closes. */
function refuse(socket: Duplex, status: number, message = STATUS_CODES[status] ?? ''): void {
  const body = JSON.stringify({ message });
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`;
  const headers = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close'];
  socket.end([head, ...headers, '', body].join('\r\n'));
}

/** A function's answer as a proxy integration reads it; undefined where it is none. */
function proxyAnswer(integrated: Integrated): { status: number; body: string | undefined } | undefined {
  if (integrated.outcome !== 'answered') return undefined;
  const answer: unknown = JSON.parse(integrated.payload.toString('utf8'));
  if (!isObject(answer) || !Number.isInteger(answer.statusCode)) return undefined;
  const { body, isBase64Encoded } = answer;
  if (typeof body !== 'string') return { status: Number(answer.statusCode), body: undefined };
  const text = isBase64Encoded === true ? Buffer.from(body, 'base64').toString('utf8') : body;
  return { status: Number(answer.statusCode), body: text };
}

/** The route key that an expression such as `$request.body.type` finds in a message. */
function selected(expression: string, body: string): string | undefined {
  const path = expression.match(/^\$\{?request\.body\.([^}]+)\}?$/)?.[1]?.split('.') ?? [];
  try {
    let value: unknown = JSON.parse(body);
    for (const name of path) value = isObject(value) ? value[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A WebSocket API as API Gateway runs it. Requests that are no handshake are @connections calls and go to
 * `callbackUrl`. Not yet listening.
 */
export function createWebSocketApi(
  api: Api,
  services: GatewayServices,
  sockets: Sockets,
  callbackUrl: string | undefined,
): Server {
  const route = (key: string): Route | undefined => api.routes.find((candidate) => candidate.key === key);
  const call = (target: Route, { stage }: Connection, event: object): Promise<Integrated> =>
    integrate(services, target, executeApiArn(api.id, `${stage}/${target.key}`), event);

  /** The status to refuse a new connection with, or the connection with what its authorizer said. */
  const admit = async (asked: Connection): Promise<Connection | number> => {
    const connect = route('$connect');
    let connection = asked;
    if (connect?.authorizer?.kind === 'REQUEST') {
      const verdict = await askAuthorizer(services, connect.authorizer, asked);
      if (verdict.status !== 200) return verdict.status;
      connection = { ...asked, authorizer: verdict.context };
    }
    if (!connect) return connection;
    const event = {
      ...requestParts(connection.handshake),
      requestContext: requestContext(connection, '$connect', 'CONNECT'),
      isBase64Encoded: false,
    };
    const answer = proxyAnswer(await call(connect, connection, event));
    if (!answer) return 502;
    return answer.status >= 200 && answer.status < 300 ? connection : answer.status;
  };

  const onMessage = async (connection: Connection, socket: WebSocket, body: string): Promise<void> => {
    sockets.touch(connection.id);
    const target = route(selected(api.routeSelection, body) ?? '$default') ?? route('$default');
    const context = requestContext(connection, target?.key ?? '$default', 'MESSAGE');
    const complain = (message: string) =>
      socket.send(JSON.stringify({ message, connectionId: connection.id, requestId: context.requestId }));
    if (!target) return complain('Forbidden');
    const event = { requestContext: { ...context, messageId: context.requestId }, body, isBase64Encoded: false };
    const answer = proxyAnswer(await call(target, connection, event));
    if (!answer) return complain('Internal server error');
    if (target.responds && answer.body !== undefined) socket.send(answer.body);
  };

  const onClose = async (connection: Connection, code: number, why: string): Promise<void> => {
    const target = route('$disconnect');
    if (!target) return;
    const context = requestContext(connection, '$disconnect', 'DISCONNECT');
    const host = connection.handshake.headers.host ?? '';
    await call(target, connection, {
      headers: { Host: host, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' },
      requestContext: { ...context, disconnectStatusCode: code, disconnectReason: why },
      isBase64Encoded: false,
    });
  };

  const server = createServer(services.tls, (incoming, outgoing) => {
    forwardCallback(api.id, callbackUrl, services.tls.ca, incoming, outgoing);
  });
  const handshakes = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE, handleProtocols: () => false });

  const accept = (connection: Connection, raw: Duplex, head: Buffer): void => {
    handshakes.handleUpgrade(connection.handshake, raw, head, (socket) => {
      const meter = createFrameMeter(MAX_FRAME, () => socket.close(TOO_BIG, 'Message too long'));
      raw.on('data', meter);
      sockets.add(connection, socket);
      const report = (error: unknown) => services.log(`gateway: connection ${connection.id}: ${reason(error)}`);
      socket.on('message', (data) => onMessage(connection, socket, String(data)).catch(report));
      socket.on('close', (code, why) => onClose(connection, code, String(why)).catch(report));
      // A client's protocol error closes the connection, which is all that there is to do about it.
      socket.on('error', () => socket.terminate());
    });
  };

  server.on('upgrade', async (handshake: IncomingMessage, raw: Duplex, head: Buffer) => {
    raw.on('error', () => raw.destroy());
    try {
      const stage = (handshake.url ?? '').split('?')[0]?.split('/')[1] ?? '';
      if (!api.stages.includes(stage)) return refuse(raw, 403);
      const id = `${randomBytes(11).toString('base64url')}=`;
      const asked = { id, apiId: api.id, stage, connectedAt: Date.now(), handshake, authorizer: undefined };
      const admitted = await admit(asked);
      if (typeof admitted === 'number') return refuse(raw, admitted);
      accept(admitted, raw, head);
    } catch (error) {
      services.log(`gateway: handshake: ${reason(error)}`);
      refuse(raw, 500, 'Internal server error');
    }
  });
  return server;
}
