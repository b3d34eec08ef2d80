import type { WebSocket } from 'ws';
import type { Connections } from '../types.ts';
import type { Connection } from './websocket-event.ts';

/** API Gateway closes a connection that carried nothing for 10 minutes, and any after 2 hours. */
const IDLE_MS = 10 * 60_000;
const LIFETIME_MS = 2 * 60 * 60_000;
const GOING_AWAY = 1001;

interface Entry {
  readonly connection: Connection;
  readonly socket: WebSocket;
  lastActiveAt: number;
  idle: NodeJS.Timeout;
}

/** The open connections of all WebSocket APIs. */
export interface Sockets extends Connections {
  /** Keeps a connection until it closes. */
  add(connection: Connection, socket: WebSocket): void;
  /** A message came in or went out. */
  touch(connectionId: string): void;
  closeAll(): void;
}

export function createSockets(): Sockets {
  const open = new Map<string, Entry>();
  const find = (apiId: string, stage: string, connectionId: string): Entry | undefined => {
    const entry = open.get(connectionId);
    return entry?.connection.apiId === apiId && entry.connection.stage === stage ? entry : undefined;
  };
  const closeIdle = (socket: WebSocket) => setTimeout(() => socket.close(GOING_AWAY, 'Going away'), IDLE_MS);
  const touch = (connectionId: string): void => {
    const entry = open.get(connectionId);
    if (!entry) return;
    clearTimeout(entry.idle);
    entry.idle = closeIdle(entry.socket);
    entry.lastActiveAt = Date.now();
  };
  return {
    add(connection, socket) {
      const entry = { connection, socket, lastActiveAt: Date.now(), idle: closeIdle(socket) };
      open.set(connection.id, entry);
      const lifetime = setTimeout(() => socket.close(GOING_AWAY, 'Going away'), LIFETIME_MS);
      socket.once('close', () => {
        clearTimeout(entry.idle);
        clearTimeout(lifetime);
        open.delete(connection.id);
      });
    },
    touch,
    async post(apiId, stage, connectionId, data) {
      const entry = find(apiId, stage, connectionId);
      if (!entry) return 'gone';
      const { promise, resolve } = Promise.withResolvers<'sent' | 'gone'>();
      entry.socket.send(data, { binary: false }, (error) => resolve(error ? 'gone' : 'sent'));
      touch(connectionId);
      return promise;
    },
    async close(apiId, stage, connectionId) {
      const entry = find(apiId, stage, connectionId);
      entry?.socket.close(1000, 'Connection Closed Normally');
      return entry ? 'closed' : 'gone';
    },
    async get(apiId, stage, connectionId) {
      const entry = find(apiId, stage, connectionId);
      if (!entry) return 'gone';
      const { handshake, connectedAt } = entry.connection;
      return {
        connectedAt,
        lastActiveAt: entry.lastActiveAt,
        sourceIp: handshake.socket.remoteAddress ?? '',
        userAgent: handshake.headers['user-agent'] ?? '',
      };
    },
    closeAll() {
      for (const { socket } of open.values()) socket.terminate();
    },
  };
}
