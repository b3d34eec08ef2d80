import { WebSocket } from 'ws';
import { messageOf } from '../../cli/reason.ts';
import { SocketMessage } from '../../protocol/socket.ts';
import { betweenSockets, sleep } from '../common/waits.ts';
import type { Api } from './api.ts';

/** The gateway drops a connection after 10 minutes of silence, and any connection after 2 hours. */
const PING_MS = 5 * 60_000;
const RENEW_MS = 115 * 60_000;
const OPEN_TIMEOUT_MS = 15_000;
/** A connection that lasted so long was none that another client of the same device takes away again. */
const STABLE_MS = 60_000;

export interface SocketOptions {
  readonly url: string;
  readonly deviceId: string;
  readonly api: Api;
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
  readonly onChanged: (cursor: number) => void;
  readonly onClosed: (reason: string) => void;
}

/** Holds a WebSocket open until the signal fires, with a fresh ticket for every connection. Never rejects. */
export async function keepSocket(options: SocketOptions): Promise<void> {
  let failures = 0;
  while (!options.signal.aborted) {
    let reason: string;
    let openedAt = Number.POSITIVE_INFINITY;
    try {
      const { body } = await options.api.ticket(options.deviceId);
      reason = await connect(`${options.url}?ticket=${encodeURIComponent(body.ticket)}`, options, () => {
        openedAt = performance.now();
      });
    } catch (error) {
      reason = messageOf(error);
    }
    if (options.signal.aborted) return;
    if (performance.now() - openedAt > STABLE_MS) failures = 0;
    if (reason !== 'renewed') options.onClosed(reason);
    await sleep(reason === 'renewed' ? 0 : betweenSockets(++failures), options.signal);
  }
}

/** One connection; answers why it ended. */
function connect(url: string, options: SocketOptions, onOpen: () => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { handshakeTimeout: OPEN_TIMEOUT_MS });
    let reason = 'the connection was closed';
    const ping = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'ping' }));
    }, PING_MS);
    const renew = setTimeout(() => {
      reason = 'renewed';
      socket.close(1000);
    }, RENEW_MS);
    const stop = (): void => socket.terminate();
    options.signal.addEventListener('abort', stop, { once: true });

    socket.on('open', () => {
      onOpen();
      options.onOpen();
    });
    socket.on('message', (data) => {
      const message = parse(String(data));
      if (message?.type === 'changed') options.onChanged(message.cursor);
    });
    socket.on('error', (error) => {
      reason = messageOf(error);
    });
    socket.on('close', () => {
      clearInterval(ping);
      clearTimeout(renew);
      options.signal.removeEventListener('abort', stop);
      resolve(reason);
    });
  });
}

/** A message of a kind that this version does not know is not for it. */
function parse(text: string): SocketMessage | undefined {
  try {
    return SocketMessage.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
