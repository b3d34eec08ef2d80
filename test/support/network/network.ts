import { Agent } from 'node:https';
import { loadTls } from '../../../local/tls.ts';
import { freePorts } from '../ports.ts';
import { HttpProxy } from './http-proxy.ts';
import { Line, type LineFault } from './line.ts';
import { Relay } from './relay.ts';

/** Where the local cloud has them, from the port of its API on. */
const places = { api: 0, socket: 1, store: 2, cdn: 3, signIn: 4 } as const;

export type Endpoint = keyof typeof places;

/** The way to one endpoint. */
export interface Way {
  /** TCP. */
  readonly relay: Relay;
  /** HTTP and WebSocket, after TLS. */
  readonly proxy: HttpProxy;
}

/**
 * A network between devices and a local cloud, which does as it is told: a device that signs in at `url` reaches every
 * endpoint through it. Needs no privileges. For each endpoint there is a relay for TCP, and behind it a proxy that ends
 * TLS with the cloud's own certificate; all relays share one line. `faults.ts` has what a proxy can do to a request.
 */
export class Network {
  /** For `tidemark login`. */
  readonly url: string;
  readonly ways: Readonly<Record<Endpoint, Way>>;
  readonly line: Line;
  readonly #agent: Agent;

  private constructor(url: string, ways: Network['ways'], line: Line, agent: Agent) {
    this.url = url;
    this.ways = ways;
    this.line = line;
    this.#agent = agent;
  }

  /**
   * @param api the address of the local cloud
   * @param data its folder, which has its certificates
   */
  static async open({ api, data }: { readonly api: string; readonly data: string }): Promise<Network> {
    const tls = await loadTls(data);
    const first = Number(new URL(api).port);
    const endpoints = Object.entries(places) as [Endpoint, number][];
    const ports = await freePorts(2 * endpoints.length);
    const line = new Line();
    const agent = new Agent({ keepAlive: true });
    const rewrite = (text: string): string =>
      Object.values(places).reduce(
        (all, at) => all.replaceAll(`127.0.0.1:${first + at}`, `127.0.0.1:${ports + at}`),
        text,
      );
    const open = async ([name, at]: [Endpoint, number]): Promise<[Endpoint, Way]> => {
      const port = ports + endpoints.length + at;
      const target = new URL(`https://127.0.0.1:${first + at}`);
      const proxy = await HttpProxy.open({ port, target, tls, agent, rewrite });
      return [name, { proxy, relay: await Relay.open(ports + at, port, line) }];
    };
    const ways = Object.fromEntries(await Promise.all(endpoints.map(open))) as Record<Endpoint, Way>;
    return new Network(`https://127.0.0.1:${ports}`, ways, line, agent);
  }

  /** From now on this happens on all ways. */
  async fail(fault: LineFault): Promise<void> {
    this.line.fault = fault;
    await Promise.all(this.#all.map(({ relay }) => relay.refresh()));
  }

  /** Another network, as after a VPN came up: what is open is dead, and nobody is told. */
  change(): void {
    for (const { relay } of this.#all) relay.abandon();
  }

  /** Resets all connections. */
  reset(): void {
    for (const { relay } of this.#all) relay.reset();
  }

  /** All goes well from now on; connections that are dead stay so. */
  async heal(): Promise<void> {
    for (const { proxy } of this.#all) proxy.heal();
    await Promise.all(this.#all.map(({ relay }) => relay.fail({})));
    await this.fail({});
  }

  /** Whether the service is about to answer. */
  get isUnderWay(): boolean {
    return this.#all.some(({ proxy }) => proxy.isUnderWay);
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.flatMap(({ relay, proxy }) => [relay.close(), proxy.close()]));
    this.#agent.destroy();
  }

  get #all(): Way[] {
    return Object.values(this.ways);
  }
}
