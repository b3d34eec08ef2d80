import { globalAgent } from 'node:https';
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent, request } from 'undici';

/** A connection has to be there within so long, ms, TLS included. */
const OPEN_MS = 10_000;

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
  readonly body?: Uint8Array | Iterable<Uint8Array>;
  /** Ends it: whoever waits for it, or for its answer's body, gets the signal's reason. */
  readonly signal: AbortSignal;
}

/** An answer whose body is still to be read: as it comes, whatever its headers say. */
export interface Incoming {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: Dispatcher.ResponseData['body'];
}

/**
 * The connections of this process to whoever it asks. They may all be dead from one moment to the next, and nobody tells
 * those who wait: whoever finds that out says so here, and no request takes one of them any more. How long an answer may
 * take is up to who asks; redirects are not followed.
 */
export class Connections {
  // Sessions of TLS are taken up again, whichever pool a connection belongs to.
  readonly #open = buildConnector({ timeout: OPEN_MS });
  #pool = this.#newPool();
  #underWay = new AbortController();

  /** Fires once those that are open now are taken for dead. */
  get dead(): AbortSignal {
    return this.#underWay.signal;
  }

  async request(url: string | URL, outgoing: Outgoing): Promise<Incoming> {
    // Its types do not say that it takes anything that can be iterated.
    const body = (outgoing.body ?? null) as Uint8Array | null;
    const answer = await request(url, { ...outgoing, body, dispatcher: this.#pool });
    const header = (name: string): string | undefined => [answer.headers[name]].flat()[0];
    return { status: answer.statusCode, header, body: answer.body };
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
    const options = { connect: this.#open, headersTimeout: 0, bodyTimeout: 0 };
    // As Node itself, which takes a proxy from the environment if it was told to.
    return 'proxyEnv' in globalAgent.options && globalAgent.options.proxyEnv
      ? new EnvHttpProxyAgent(options)
      : new Agent(options);
  }
}

/** Those of this process, as there is one set of trusted certificates. */
export const connections = new Connections();
