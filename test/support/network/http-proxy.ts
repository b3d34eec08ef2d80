import { type IncomingMessage, ServerResponse } from 'node:http';
import { type Agent, request as ask, createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { close, listen } from '../../../local/listen.ts';

/** What is said on a socket is answered within so long, ms, or not at all. */
const UNHEARD_MS = 500;

/** An answer as it crosses the wire. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A request on its way, in the hands of a fault. */
interface Exchange {
  readonly request: IncomingMessage;
  /** Its body. */
  readonly content: Buffer;
  /** Where the device reads its answer from. */
  readonly response: ServerResponse;
  /** Hands the request to the service, as often as it is called; the service's answer. */
  ask(): Promise<Answer>;
  /** Gives the device an answer. */
  reply(answer: Answer): void;
}

/** What happens to a request in place of being handed on and answered. */
export type Fault = (exchange: Exchange) => unknown;

/** A request that arrived, and what it was answered once that is so. */
export interface Seen {
  readonly route: string;
  readonly url: string;
  /** By `performance.now()`. */
  readonly at: number;
  readonly bytes: number;
  status?: number;
}

interface Rule {
  readonly route: string;
  readonly fault: Fault;
  left: number;
}

export interface ProxyOptions {
  readonly port: number;
  readonly target: URL;
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };
  readonly agent: Agent;
  /** Changes an answer's text. */
  readonly rewrite: (text: string) => string;
}

/** Ends TLS in front of one endpoint, with its own certificate, and hands on what comes, but for what it is told to do. */
export class HttpProxy {
  /** What came, in its order. */
  readonly seen: Seen[] = [];
  readonly #options: ProxyOptions;
  readonly #server: Server;
  readonly #upgraded = new Set<Socket>();
  #rules: Rule[] = [];
  /** Requests that are not noted, or whose faults do not let go of them. */
  #taking = 0;
  /** Of sockets on which a device said something and heard nothing since: when that was. */
  readonly #unheard = new Map<Socket, number>();

  private constructor(options: ProxyOptions) {
    this.#options = options;
    this.#server = createServer({ cert: options.tls.cert, key: options.tls.key, requestTimeout: 0 });
    this.#server.on('request', (request, response) => void this.#take(request, response));
    this.#server.on('upgrade', (request, socket) => void this.#takeUpgrade(request, socket as Socket));
  }

  static async open(options: ProxyOptions): Promise<HttpProxy> {
    const proxy = new HttpProxy(options);
    await listen(proxy.#server, options.port, 'proxy');
    return proxy;
  }

  /**
   * From now on this happens to requests of a route: the method and the beginning of the path, as in `POST /finalize`, or
   * `''` for all. The latest rule that has times left counts.
   */
  fail(route: string, fault: Fault, times = Number.POSITIVE_INFINITY): void {
    this.#rules.unshift({ route, fault, left: times });
  }

  /** All goes through from now on. */
  heal(): void {
    this.#rules = [];
  }

  /** Whether no connection is open, and all that came over one is noted. */
  async isAtRest(): Promise<boolean> {
    const connections = await promisify(this.#server.getConnections.bind(this.#server))();
    return connections === 0 && this.#taking === 0;
  }

  /** Whether the service is about to say something: it was asked, and takes its time. */
  get isUnderWay(): boolean {
    const since = performance.now() - UNHEARD_MS;
    return this.#taking > 0 || this.#unheard.values().some((at) => at > since);
  }

  /** WebSockets that are open, or on their way to that. */
  get sockets(): number {
    return this.#upgraded.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#upgraded) socket.destroy();
    await close(this.#server);
  }

  #rule(route: string): Fault | undefined {
    const rule = this.#rules.find((candidate) => candidate.left > 0 && route.startsWith(candidate.route));
    if (rule) rule.left--;
    return rule?.fault;
  }

  #note({ method, url = '/' }: IncomingMessage, bytes: number): Seen {
    const seen: Seen = { route: `${method} ${url.split('?')[0]}`, url, at: performance.now(), bytes };
    this.seen.push(seen);
    return seen;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#taking++;
    try {
      const content = await buffer(request);
      const seen = this.#note(request, content.length);
      response.on('finish', () => (seen.status = response.statusCode));
      const reply = ({ status, headers, body }: Answer): void => void response.writeHead(status, headers).end(body);
      const exchange = { request, content, response, reply, ask: () => this.#ask(request, content) };
      const fault = this.#rule(seen.route) ?? pass;
      await fault(exchange);
    } catch (error) {
      response.destroy(error as Error);
    } finally {
      this.#taking--;
    }
  }

  /** The service knows itself by its own address, which signed URLs name as well. */
  #ask(request: IncomingMessage, content: Buffer): Promise<Answer> {
    const { target, tls, agent, rewrite } = this.#options;
    return new Promise((resolve, reject) => {
      const headers = { ...request.headers, host: target.host };
      const options = { method: request.method!, path: request.url!, headers, ca: tls.ca, agent };
      const asked = ask(target, options, async (answer) => {
        try {
          const body = await buffer(answer);
          const isText = /json/.test(answer.headers['content-type'] ?? '');
          const isPacked = answer.headers['content-encoding'] === 'zstd';
          const text = (): Buffer => Buffer.from(rewrite((isPacked ? zstdDecompressSync(body) : body).toString()));
          const changed = !isText ? body : isPacked ? zstdCompressSync(text()) : text();
          const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...kept } = answer.headers;
          resolve({ status: answer.statusCode!, headers: kept, body: changed });
        } catch (error) {
          reject(error as Error);
        }
      });
      asked.on('error', reject).end(content);
    });
  }

  /** A WebSocket: `ask` opens it and hands both ways on; a reply refuses it. */
  async #takeUpgrade(request: IncomingMessage, socket: Socket): Promise<void> {
    this.#taking++;
    this.#upgraded.add(socket.on('error', () => undefined).on('close', () => this.#upgraded.delete(socket)));
    const seen = this.#note(request, 0);
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    const reply = ({ status, headers, body }: Answer): void => {
      seen.status = status;
      response.writeHead(status, { ...headers, connection: 'close' }).end(body, () => socket.end());
    };
    const content = Buffer.alloc(0);
    const open = async (): Promise<Answer> => {
      response.detachSocket(socket);
      seen.status = 101;
      return this.#open(request, socket);
    };
    try {
      await (this.#rule(seen.route) ?? (({ ask: join }: Exchange) => join()))({
        request,
        content,
        response,
        reply,
        ask: open,
      });
    } catch {
      socket.destroy();
    } finally {
      this.#taking--;
    }
  }

  #open(request: IncomingMessage, socket: Socket): Promise<Answer> {
    const { target, tls } = this.#options;
    return new Promise((resolve, reject) => {
      const headers = { ...request.headers, host: target.host };
      const asked = ask(target, { path: request.url!, headers, ca: tls.ca, agent: false });
      asked.on('upgrade', (answer, far, head) => {
        const lines = answer.rawHeaders.flatMap((name, at, all) => (at % 2 ? [] : [`${name}: ${all[at + 1]}\r\n`]));
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
        socket.write(head);
        far.on('error', () => socket.destroy()).on('close', () => socket.destroy());
        socket.on('close', () => far.destroy());
        socket.on('data', () => this.#unheard.set(socket, performance.now()));
        for (const event of ['data', 'close']) far.on(event, () => this.#unheard.delete(socket));
        socket.pipe(far).pipe(socket);
        resolve({ status: 101, headers: answer.headers, body: Buffer.alloc(0) });
      });
      asked.on('response', async (answer) => {
        socket.end(`HTTP/1.1 ${answer.statusCode} Refused\r\nconnection: close\r\n\r\n`);
        resolve({ status: answer.statusCode!, headers: answer.headers, body: await buffer(answer) });
      });
      asked.on('error', reject).end();
    });
  }
}

const pass: Fault = async ({ ask: join, reply }) => reply(await join());
