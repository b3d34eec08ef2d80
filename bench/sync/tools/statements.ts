import { Client } from 'pg';
import { startPostgres } from '../../../local/aws/postgres/server.ts';

/** More than the service has kinds of statements in all of its schemas: what is evicted would not be counted. */
const KINDS = 50_000;

/** Makes the database of a local cloud that has not started yet count statements. */
export async function countStatements(data: string): Promise<void> {
  const { pool, stop } = await startPostgres(data, () => {});
  try {
    await pool.query("alter system set shared_preload_libraries = 'pg_stat_statements'");
    await pool.query(`alter system set pg_stat_statements.max = ${KINDS}`);
    await pool.query('create extension pg_stat_statements');
  } finally {
    await stop();
  }
}

/** Statements of the functions so far, those that begin and end transactions included; and the size of their database. */
export class Statements {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async open(superuser: { host: string; port: number; user: string }): Promise<Statements> {
    const client = new Client({ ...superuser, database: 'postgres' });
    client.on('error', () => undefined);
    await client.connect();
    return new Statements(client);
  }

  async counters(): Promise<{ statements: number; sqlSeconds: number; database: number }> {
    // The superuser is the local cloud itself, which keeps its stream there. Without their texts, which lie in a file.
    const { rows } = await this.#client.query<{ statements: number; sqlSeconds: number; database: number }>(
      `select coalesce(sum(calls), 0)::float8 as statements,
              coalesce(sum(total_exec_time), 0)::float8 / 1000 as "sqlSeconds",
              pg_database_size('tidemark')::float8 as database
       from pg_stat_statements(false) where userid <> current_user::regrole`,
    );
    return rows[0]!;
  }

  close(): Promise<void> {
    return this.#client.end();
  }
}
