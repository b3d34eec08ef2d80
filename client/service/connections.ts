import { globalAgent } from 'node:https';
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { PassingBytes } from '../../cli/passing-bytes.ts';
import { holdAt, type Limits } from './limits.ts';
import { Reception, type Taker } from './reception.ts';
import { Throttle } from './throttle.ts';

/** A connection has to be there within so long, ms, TLS included. */
const OPEN_MS = 10_000;

/**
 * An idle connection is kept for so long, ms: AWS does not say how long it keeps its side, and a save that comes within
 * this time of the last one needs no handshake, which is two round trips.
 */
const IDLE_MS = 30_000;

/** Who has been asked for a sign of life and gives none for so long, ms, is taken for dead. */
export const SILENT_MS = 8_000;

/** Why a request ends whose connection is taken for dead: it may be sent again. */
export class DeadConnection extends Error {
  override readonly name = 'DeadConnection';
}

/** What is sent. */
export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Ends it: whoever waits for it, or for its answer's body, gets the signal's reason. */
  readonly signal: AbortSignal;
  /** Told, part by part, how much of the body has been handed to the system. */
  readonly onSent?: (bytes: number) => void;
  /** Told how long the next part is held back on its way out or in, ms, by the limits of this device. */
  readonly onHeld?: (milliseconds: number) => void;
}

/** An answer whose body is still to be read: as it comes, whatever its headers say. */
export interface Incoming {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: AsyncIterable<Buffer>;
}

/**
 * The connections of this process to whoever it asks. They may all be dead from one moment to the next, and nobody tells
 * those who wait: whoever finds that out says so here, and no request takes one of them any more. All together keep the
 * limits of this device: what is sent and what arrives waits for its turn here. How long an answer may take is up to who
 * asks; redirects are not followed.
 */
export class Connections {
  // Sessions of TLS are taken up again, whichever pool a connection belongs to.
  readonly #open = buildConnector({ timeout: OPEN_MS });
  #pool = this.#newPool();
  #underWay = new AbortController();
  #limits: Limits = {};
  readonly #up = new Throttle(() => this.#limitNow('up'));
  readonly #down = new Throttle(() => this.#limitNow('down'));
  readonly #arrived = new PassingBytes();

  /** From now on these hold. */
  limit(limits: Limits): void {
    this.#limits = limits;
  }

  /** Fires once those that are open now are taken for dead. */
  get dead(): AbortSignal {
    return this.#underWay.signal;
  }

  async request(url: string | URL, outgoing: Outgoing): Promise<Incoming> {
    const { method, signal, body } = outgoing;
    const headers = body ? { ...outgoing.headers, 'content-length': String(body.length) } : outgoing.headers;
    const answer = await request(url, { method, headers, signal, body: this.#parts(outgoing), dispatcher: this.#pool });
    const header = (name: string): string | undefined => [answer.headers[name]].flat()[0];
    return { status: answer.statusCode, header, body: this.#received(answer.body, outgoing) };
  }

  /**
   * GETs, and hands the answer over as it comes. Resolves when all of it has been taken; rejects with what the connection
   * or the taker ends, or the signal's reason.
   */
  async receive(
    url: string,
    { headers, signal, onHeld }: Pick<Outgoing, 'headers' | 'signal' | 'onHeld'>,
    { onHead, onPart }: Taker,
  ): Promise<void> {
    signal.throwIfAborted();
    const { origin, pathname, search } = new URL(url);
    const take = (part: Buffer): void => {
      onPart(part);
      this.#arrived.passed(part.length);
    };
    const reception = new Reception({ onHead, onPart: take }, { throttle: this.#down, signal, onHeld });
    this.#pool.dispatch({ origin, path: `${pathname}${search}`, method: 'GET', headers }, reception);
    await reception.ended();
  }

  /** A body as it goes out: whole where nobody wants to know how it gets on. */
  #parts({ body, signal, onSent, onHeld }: Outgoing): Uint8Array | null {
    if (!body || (!onSent && !this.#up.isLimited)) return body ?? null;
    const up = this.#up;
    const parts = async function* (): AsyncGenerator<Uint8Array> {
      for (let done = 0; done < body.length; ) {
        const part = body.subarray(done, done + up.partBytes);
        onSent?.(done);
        await up.pass(part.length, signal, onHeld);
        yield part;
        done += part.length;
      }
      onSent?.(body.length);
    };
    // The types of undici do not say that it takes anything that can be iterated.
    return parts() as unknown as Uint8Array;
  }

  async *#received(body: AsyncIterable<Buffer>, { signal, onHeld }: Outgoing): AsyncGenerator<Buffer> {
    for await (const part of body) {
      await this.#down.pass(part.length, signal, onHeld);
      yield part;
      this.#arrived.passed(part.length);
    }
  }

  #limitNow(way: 'up' | 'down'): number | undefined {
    return holdAt(this.#limits, new Date()) ? this.#limits[way] : undefined;
  }

  /** They may be dead: what begins from now on takes a new one, and what is under way goes on. */
  avoid(): void {
    const before = this.#pool;
    this.#pool = this.#newPool();
    void before.close();
  }

  /** They are dead. */
  renew(): void {
    this.avoid();
    const before = this.#underWay;
    this.#underWay = new AbortController();
    before.abort(new DeadConnection('the network is another one'));
  }

  #newPool(): Dispatcher {
    const options = { connect: this.#open, keepAliveTimeout: IDLE_MS, headersTimeout: 0, bodyTimeout: 0 };
    // As Node itself, which takes a proxy from the environment if it was told to.
    return 'proxyEnv' in globalAgent.options && globalAgent.options.proxyEnv
      ? new EnvHttpProxyAgent(options)
      : new Agent(options);
  }
}

/** Those of this process, as there is one set of trusted certificates. */
export const connections = new Connections();
