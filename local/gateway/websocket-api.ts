import { randomBytes } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { reason } from '../errors.ts';
import { forwardCallback } from './callbacks.ts';
import { createFrameMeter } from './frames.ts';
import type { GatewayServices } from './integration.ts';
import type { Api } from './model.ts';
import type { Sockets } from './sockets.ts';
import type { Connection } from './websocket-event.ts';
import { Routes } from './websocket-routes.ts';

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
  const routes = new Routes(api, services);
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
      socket.on('message', (data) => {
        sockets.touch(connection.id);
        routes.message(connection, String(data), (answer) => socket.send(answer)).catch(report);
      });
      socket.on('close', (code, why) => routes.disconnect(connection, code, String(why)).catch(report));
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
      const admitted = await routes.connect(asked);
      if (typeof admitted === 'number') return refuse(raw, admitted);
      accept(admitted, raw, head);
    } catch (error) {
      services.log(`gateway: handshake: ${reason(error)}`);
      refuse(raw, 500, 'Internal server error');
    }
  });
  return server;
}
