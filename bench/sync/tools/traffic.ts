import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Counters } from '../counters.ts';

/** Where the local cloud has what devices call, from the port of its API on. */
const endpoints: Readonly<Record<number, string>> = { 0: 'api', 1: 'socket', 2: 'aws', 3: 'cdn', 4: 'sign-in' };

interface Connection {
  readonly socket: Socket;
  readonly endpoint: string;
  /** Functions call some of the endpoints as well: they sign, where devices have presigned addresses or tokens. */
  ofDevice: boolean;
}

/**
 * Counts the requests that the servers of this process get, and the bytes that devices exchange with them: all that
 * crosses TCP, TLS and its handshakes included.
 */
export class Traffic {
  readonly #firstPort: number;
  readonly #open = new Map<string, Connection>();
  readonly #bytes = { up: 0, down: 0 };
  readonly #requests = new Map<string, number>();

  /** @param firstPort of the local cloud; it may not have started yet */
  constructor(firstPort: number) {
    this.#firstPort = firstPort;
    subscribe('net.server.socket', (message) => this.#opened((message as { socket: Socket }).socket));
    subscribe('http.server.request.start', (message) => this.#asked((message as { request: IncomingMessage }).request));
  }

  counters(): Counters {
    const open = [...this.#open.values()].filter(({ ofDevice }) => ofDevice);
    const sum = (of: 'bytesRead' | 'bytesWritten') => open.reduce((total, { socket }) => total + socket[of], 0);
    return {
      up: this.#bytes.up + sum('bytesRead'),
      down: this.#bytes.down + sum('bytesWritten'),
      ...Object.fromEntries(this.#requests),
    };
  }

  #opened(socket: Socket): void {
    const endpoint = endpoints[(socket.localPort ?? 0) - this.#firstPort];
    if (endpoint === undefined) return;
    const connection: Connection = { socket, endpoint, ofDevice: endpoint !== 'aws' };
    const key = keyOf(socket);
    this.#open.set(key, connection);
    socket.on('close', () => {
      this.#open.delete(key);
      if (!connection.ofDevice) return;
      this.#bytes.up += socket.bytesRead;
      this.#bytes.down += socket.bytesWritten;
    });
  }

  #asked(request: IncomingMessage): void {
    const connection = this.#open.get(keyOf(request.socket));
    if (!connection) return;
    if (request.headers.authorization?.startsWith('AWS4-')) connection.ofDevice = false;
    else if (/[?&]X-Amz-Signature=/.test(request.url ?? '')) connection.ofDevice = true;
    this.#count(`requests.${connection.ofDevice ? 'devices' : 'functions'}`);
    this.#count(`request.${whatIsAsked(connection.endpoint, request)}`);
  }

  #count(name: string): void {
    this.#requests.set(name, (this.#requests.get(name) ?? 0) + 1);
  }
}

/** The same for a TCP socket and for the TLS on it. */
function keyOf({ localPort, remotePort }: Socket): string {
  return `${localPort} ${remotePort}`;
}

/** `POST /finalize`, `PUT s3`, `POST @connections`, `DynamoDB Query`. */
function whatIsAsked(endpoint: string, { method, url = '/', headers }: IncomingMessage): string {
  if (endpoint === 'api') return `${method} /${url.split(/[/?]/)[1]}`;
  const target = headers['x-amz-target'];
  if (target !== undefined) return String(target).replace(/_\d+\./, ' ');
  const known = url.match(/@connections|\/functions\//)?.[0].replaceAll('/', '');
  return `${method} ${known ?? (endpoint === 'aws' ? 's3' : endpoint)}`;
}
