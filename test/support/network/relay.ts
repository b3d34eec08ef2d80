import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { close, listen } from '../../../local/listen.ts';
import { Line, type LineFault } from './line.ts';

/** One connection through a relay, from the device and to the other side. */
interface Connection {
  readonly near: Socket;
  readonly far: Socket;
  moved: number;
  /** Whether it is dead without anybody having been told. */
  abandoned: boolean;
}

/** A port of the loopback address that leads to another one, over lines that may be slow, dead or worse. */
export class Relay {
  readonly port: number;
  /** What concerns this port alone. */
  readonly #own = new Line();
  readonly #shared: Line;
  readonly #target: number;
  readonly #connections = new Set<Connection>();
  #server: Server | undefined;

  private constructor(port: number, target: number, shared: Line) {
    this.port = port;
    this.#target = target;
    this.#shared = shared;
  }

  /** @param shared the line that it has in common with other relays */
  static async open(port: number, target: number, shared: Line): Promise<Relay> {
    const relay = new Relay(port, target, shared);
    await relay.refresh();
    return relay;
  }

  /** How many connections are open, those included that are dead. */
  get open(): number {
    return this.#connections.size;
  }

  /** From now on this happens here, beside what happens on the shared line. */
  async fail(fault: LineFault): Promise<void> {
    this.#own.fault = fault;
    await this.refresh();
  }

  /** Listens or refuses, as its lines say. */
  async refresh(): Promise<void> {
    const refuses = this.#lines.some(({ fault }) => fault.refuse);
    if (refuses) {
      const server = this.#server;
      this.#server = undefined;
      const closed = server && close(server);
      this.reset();
      await closed;
    } else if (!this.#server) {
      this.#server = createServer({ allowHalfOpen: true, highWaterMark: 16 * 1024 }, (near) => this.#join(near));
      await listen(this.#server, this.port, 'relay');
    }
  }

  /** Resets the connections that are open. */
  reset(): void {
    for (const connection of this.#connections) end(connection);
  }

  /** Nothing crosses the connections that are open any more, and neither side is told: new ones are not concerned. */
  abandon(): void {
    for (const connection of this.#connections) connection.abandoned = true;
  }

  async close(): Promise<void> {
    await this.fail({ refuse: true });
  }

  #join(near: Socket): void {
    const far = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true });
    const connection: Connection = { near, far, moved: 0, abandoned: false };
    this.#connections.add(connection);
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      // How it ended is told by closing both.
      socket.on('error', () => undefined);
      socket.on('close', () => this.#left(connection));
    }
    void this.#pump(connection, 'up');
    void this.#pump(connection, 'down');
  }

  #left(connection: Connection): void {
    const { near, far, abandoned } = connection;
    if (!abandoned) end(connection);
    if (!abandoned || (near.destroyed && far.destroyed)) this.#connections.delete(connection);
  }

  async #pump(connection: Connection, way: 'up' | 'down'): Promise<void> {
    const [from, to] = way === 'up' ? [connection.near, connection.far] : [connection.far, connection.near];
    try {
      // A connection over a far line is there once both sides have answered; here, it was at once.
      if (way === 'up' && this.#latency > 0) await sleep(2 * this.#latency);
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        for (const slice of this.#slices(chunk)) {
          for (const line of this.#lines) await line.take(way, slice.length);
          if (connection.abandoned) return;
          connection.moved += slice.length;
          if (connection.moved > this.#most) return end(connection);
          this.#late(() => to.writable && to.write(slice));
          if (to.writableNeedDrain) await drained(to);
        }
      }
      this.#late(() => !connection.abandoned && to.end());
    } catch {
      // It was reset, and the other side is by now.
    }
  }

  get #lines(): readonly Line[] {
    return [this.#shared, this.#own];
  }

  #slices(chunk: Buffer): Buffer[] {
    return [...this.#shared.slices(chunk)].flatMap((slice) => [...this.#own.slices(slice)]);
  }

  /** Bytes after which a connection is cut. */
  get #most(): number {
    return Math.min(...this.#lines.map(({ fault }) => fault.cutAfterBytes ?? Number.POSITIVE_INFINITY));
  }

  /** Milliseconds, one way. */
  get #latency(): number {
    return this.#lines.reduce((sum, { fault }) => sum + (fault.latencyMs ?? 0), 0);
  }

  /** Does it at once, or later on a line that is far: timers of the same length end in their order. */
  #late(work: () => void): void {
    if (this.#latency > 0) setTimeout(work, this.#latency);
    else work();
  }
}

function end({ near, far }: Connection): void {
  near.resetAndDestroy();
  far.resetAndDestroy();
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}
