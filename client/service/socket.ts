import { WebSocket } from 'ws';
import { messageOf } from '../../cli/reason.ts';
import { SocketMessage } from '../../protocol/socket.ts';
import { betweenSockets, sleep } from '../common/waits.ts';
import type { Api } from './api.ts';
import { SILENT_MS } from './connections.ts';
import { parseJson } from './errors.ts';
import { Heartbeat } from './heartbeat.ts';

/** The gateway drops any connection after 2 hours. */
const RENEW_MS = 115 * 60_000;
const OPEN_TIMEOUT_MS = 15_000;
/** A connection that lasted so long was none that something on the way, or another client of the device, takes away. */
const STABLE_MS = 60_000;

const RENEWED = 'it is renewed before the gateway ends it';

export interface PushOptions {
  readonly url: string;
  readonly deviceId: string;
  readonly api: Pick<Api, 'ticket'>;
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
  readonly onChanged: (cursor: number) => void;
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
  #waiting = new AbortController();

  constructor(options: PushOptions) {
    this.#options = options;
  }

  /** Until the signal fires. Never rejects. */
  async run(): Promise<void> {
    const { signal, onClosed } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      let openedAt = Number.POSITIVE_INFINITY;
      const onOpen = (): void => {
        openedAt = performance.now();
      };
      const reason = await this.#connect(onOpen).catch(messageOf);
      if (signal.aborted) return;
      if (performance.now() - openedAt > STABLE_MS) failures = 0;
      if (reason === RENEWED) continue;
      onClosed(reason);
      this.#waiting = new AbortController();
      await sleep(betweenSockets(++failures), AbortSignal.any([signal, this.#waiting.signal]));
    }
  }

  /** Whether a connection is open. */
  get isOpen(): boolean {
    return this.#heartbeat !== undefined;
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

      socket.on('open', () => {
        this.#heartbeat = this.#heartbeatOf(socket, (because) => {
          reason = because;
        });
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
        clearTimeout(renew);
        signal.removeEventListener('abort', stop);
        resolve(reason);
      });
    });
  }

  #heartbeatOf(socket: WebSocket, ended: (reason: string) => void): Heartbeat {
    return new Heartbeat({
      ping: () => socket.send(JSON.stringify({ type: 'ping' }), () => undefined),
      onLate: this.#options.onLate,
      onDead: () => {
        ended('the connection does not answer any more');
        socket.terminate();
        this.#options.onDead();
      },
    });
  }

  #take(text: string): void {
    this.#heartbeat?.answered();
    // A message of a kind that this version does not know is not for it.
    const { data: message } = SocketMessage.safeParse(parseJson(text));
    if (message?.type !== 'changed') return;
    this.touch();
    this.#options.onChanged(message.cursor);
  }
}
