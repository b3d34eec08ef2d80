import { WebSocket } from 'ws';
import { messageOf } from '../../cli/reason.ts';
import type { News } from '../../protocol/changes.ts';
import { type SentSoFar, SocketMessage, type SocketRequest } from '../../protocol/socket.ts';
import { sleep } from '../common/waits.ts';
import type { Api } from './api.ts';
import { SILENT_MS } from './connections.ts';
import { parseJson } from './errors.ts';
import { Heartbeat } from './heartbeat.ts';
import { keepOpen, RENEWED } from './keep-open.ts';

/** The gateway drops any connection after 2 hours. */
const RENEW_MS = 115 * 60_000;
const OPEN_TIMEOUT_MS = 15_000;

export interface PushOptions {
  readonly url: string;
  readonly deviceId: string;
  readonly api: Pick<Api, 'ticket'>;
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
  /** @param news what the push brought along */
  readonly onChanged: (cursor: number, news?: News) => void;
  /** The newest cursor whose push may not have arrived, by the service; 0 where all have. */
  readonly onMissed: (cursor: number) => void;
  /** Another device tells what it has sent of a file. */
  readonly onSent: (message: SentSoFar) => void;
  /** The connection does not answer, and pushes may be lost. */
  readonly onLate: () => void;
  /** It is taken for dead, as is what else is under way to the service; or none is open after as long. */
  readonly onDead: () => void;
  readonly onClosed: (reason: string) => void;
}

/** Holds a WebSocket open for pushes, with a fresh ticket for every connection. */
export class Pushes {
  readonly #options: PushOptions;
  #heartbeat: Heartbeat | undefined;
  #send: ((message: SocketRequest) => void) | undefined;
  #waiting = new AbortController();

  constructor(options: PushOptions) {
    this.#options = options;
  }

  /** Until the signal fires. Never rejects. */
  async run(): Promise<void> {
    const { signal, onClosed } = this.#options;
    await keepOpen({
      connect: (onOpen) => this.#connect(onOpen),
      onClosed,
      wait: async (milliseconds) => {
        this.#waiting = new AbortController();
        await sleep(milliseconds, AbortSignal.any([signal, this.#waiting.signal]));
      },
      signal,
    });
  }

  /** Whether a connection is open. */
  get isOpen(): boolean {
    return this.#heartbeat !== undefined;
  }

  /** Tells the user's other devices; without a connection nobody. */
  tell(message: SentSoFar): void {
    this.#send?.(message);
  }

  /** Something happens, so that a dead connection should be noticed sooner than at rest. */
  touch(): void {
    this.#heartbeat?.touch();
  }

  /** The network may be another one: the connection has to answer now, and who waits for the next one need not. */
  probe(): void {
    this.#heartbeat?.probe();
    this.#waiting.abort();
  }

  async #connect(onOpen: () => void): Promise<string> {
    const { api, deviceId, url, signal, onDead } = this.#options;
    // Nothing else tells of dead connections while no socket is open.
    const silence = setTimeout(onDead, SILENT_MS);
    try {
      const { body } = await api.ticket(deviceId);
      signal.throwIfAborted();
      return await this.#hold(new URL(`${url}?ticket=${encodeURIComponent(body.ticket)}`), () => {
        clearTimeout(silence);
        onOpen();
      });
    } finally {
      clearTimeout(silence);
    }
  }

  /** One connection; answers why it ended. */
  #hold(url: URL, onOpen: () => void): Promise<string> {
    const { signal } = this.#options;
    return new Promise((resolve) => {
      const socket = new WebSocket(url, { handshakeTimeout: OPEN_TIMEOUT_MS });
      let reason = 'the connection was closed';
      const renew = setTimeout(() => {
        reason = RENEWED;
        socket.close(1000);
      }, RENEW_MS);
      const stop = (): void => socket.terminate();
      signal.addEventListener('abort', stop, { once: true });

      const send = (message: SocketRequest): void => socket.send(JSON.stringify(message), () => undefined);
      const ended = (because: string): void => {
        reason = because;
        socket.terminate();
      };
      socket.on('open', () => {
        this.#send = send;
        this.#heartbeat = this.#heartbeatOf(send, ended);
        onOpen();
        this.#options.onOpen();
      });
      socket.on('message', (data) => this.#take(String(data)));
      socket.on('error', (error) => {
        reason = messageOf(error);
      });
      socket.on('close', () => {
        this.#heartbeat?.close();
        this.#heartbeat = undefined;
        this.#send = undefined;
        clearTimeout(renew);
        signal.removeEventListener('abort', stop);
        resolve(reason);
      });
    });
  }

  #heartbeatOf(send: (message: SocketRequest) => void, ended: (reason: string) => void): Heartbeat {
    return new Heartbeat({
      ping: () => send({ type: 'ping' }),
      onLate: this.#options.onLate,
      onDead: () => {
        ended('the connection does not answer any more');
        this.#options.onDead();
      },
    });
  }

  #take(text: string): void {
    this.#heartbeat?.answered();
    // A message of a kind that this version does not know is not for it.
    const { data: message } = SocketMessage.safeParse(parseJson(text));
    if (message?.type === 'sending') this.#options.onSent(message);
    if (message?.type === 'pong' && message.missed !== undefined) this.#options.onMissed(message.missed);
    if (message?.type !== 'changed') return;
    this.touch();
    this.#options.onChanged(message.cursor, message.news);
  }
}
