import { once } from 'node:events';
import { WebSocket } from 'ws';
import { SocketMessage } from '../../../protocol/socket.ts';
import type { User } from '../../support/user.ts';

export interface TestSocket {
  readonly socket: WebSocket;
  /** What has arrived so far. */
  readonly received: readonly SocketMessage[];
  /** The first message that was not asked for yet. */
  next(): Promise<SocketMessage>;
}

/** Connects a device as clients do, with a ticket. */
export async function openSocket(user: User): Promise<TestSocket> {
  const socket = new WebSocket(await user.socketUrl());
  const received: SocketMessage[] = [];
  socket.on('message', (data) => received.push(SocketMessage.parse(JSON.parse(String(data)))));
  await once(socket, 'open');
  let read = 0;
  return {
    socket,
    received,
    async next() {
      while (read === received.length) await once(socket, 'message');
      return received[read++]!;
    },
  };
}
