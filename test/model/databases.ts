import { Client, type Pool, type PoolClient, type QueryConfig } from 'pg';
import { isTransient } from '../../lambdas/shared/database/database-errors.ts';
import { type Actor, currentActor, LostConnection } from './scheduler.ts';

export type ConnectionSettings = ConstructorParameters<typeof Client>[0] & object;

/** Attempts of a single statement, as the service's own pools make them. */
const ATTEMPTS = 3;

/** One database, whose statements are steps of whichever actor sends them; outside of actors they just run. */
export class Database {
  readonly #settings: ConnectionSettings;
  readonly #idle: Client[] = [];
  readonly #all: Client[] = [];
  /** Asks who waits for whom; sends nothing else. */
  readonly #monitor: Client;

  private constructor(settings: ConnectionSettings, monitor: Client) {
    this.#settings = settings;
    this.#monitor = monitor;
  }

  static async open(settings: ConnectionSettings): Promise<Database> {
    const monitor = new Client(settings);
    await monitor.connect();
    return new Database(settings, monitor);
  }

  /** What the service's functions take for a pool. */
  get pool(): Pool {
    const pool = {
      connect: async () => await this.#connect(),
      query: async (text: string, values?: unknown[]) => await this.#query(text, values),
    };
    return pool as unknown as Pool;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all, this.#monitor].map((client) => client.end()));
  }

  async #query(text: string, values?: unknown[]): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#connect();
      try {
        return await connection.query(text, values);
      } catch (error) {
        if (attempt === ATTEMPTS || !isTransient(error)) throw error;
      } finally {
        connection.release();
      }
    }
  }

  async #connect(): Promise<PoolClient> {
    const client = this.#idle.pop() ?? (await this.#open());
    return new Connection(client, {
      actor: currentActor.getStore(),
      isBlocked: async () => await this.#isBlocked(client),
      giveBack: () => this.#idle.push(client),
    }) as unknown as PoolClient;
  }

  /** Sockets belong to nobody, whoever happens to open them. */
  async #open(): Promise<Client> {
    return await currentActor.exit(async () => {
      const client = new Client(this.#settings);
      await client.connect();
      this.#all.push(client);
      return client;
    });
  }

  async #isBlocked(client: Client): Promise<boolean> {
    const { processID } = client as unknown as { processID: number };
    const { rows } = await this.#monitor.query<{ blocked: boolean }>(
      'select cardinality(pg_blocking_pids($1)) > 0 as blocked',
      [processID],
    );
    return rows[0]!.blocked;
  }
}

/** What can be prepared: one statement, and none that begins or ends a transaction. */
const PREPARABLE = /^\s*(select|with|insert|update|delete)\b[^;]*$/;
const names = new Map<string, string>();

/** The same statement comes thousands of times: each connection parses and plans it once. */
function prepared(text: string, values: unknown[] = []): QueryConfig {
  if (!PREPARABLE.test(text)) return { text, values };
  const name = names.get(text) ?? `s${names.size}`;
  names.set(text, name);
  return { name, text, values };
}

/** A connection in use. Cut, it behaves as one whose server is gone, while the real one rolls back and is used again. */
class Connection {
  readonly #client: Client;
  readonly #actor: Actor | undefined;
  readonly #giveBack: () => void;
  readonly isBlocked: () => Promise<boolean>;
  inTransaction = false;
  #state: 'open' | 'cut' | 'released' = 'open';
  #busy = 0;

  constructor(
    client: Client,
    context: { actor: Actor | undefined; isBlocked: () => Promise<boolean>; giveBack: () => void },
  ) {
    this.#client = client;
    this.#actor = context.actor;
    this.#giveBack = context.giveBack;
    this.isBlocked = context.isBlocked;
    this.#actor?.connections.add(this);
  }

  async query(text: string, values?: unknown[]): Promise<unknown> {
    if (this.#state === 'cut') throw new LostConnection();
    if (/^(begin|commit|rollback)/.test(text)) this.inTransaction = /^begin|and chain$/.test(text);
    const run = async () => {
      this.#busy++;
      try {
        return await this.#client.query(prepared(text, values));
      } finally {
        this.#busy--;
      }
    };
    // What begins or abandons a transaction shows nothing to anybody.
    if (!this.#actor || /^(begin|rollback)/.test(text)) return await run();
    return await this.#actor.step(text.replace(/\s+/g, ' ').slice(0, 110), run, this);
  }

  async cut(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'cut';
    this.#actor?.connections.delete(this);
    const ended = this.#client.query('rollback').then(this.#giveBack);
    if (this.#busy === 0) await ended;
  }

  release(): void {
    if (this.#state === 'open') this.#giveBack();
    if (this.#state !== 'cut') this.#state = 'released';
    this.#actor?.connections.delete(this);
  }
}
