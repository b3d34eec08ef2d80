import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Postgres, startPostgres } from '../../local/aws/postgres/server.ts';
import { scratch } from '../support/scratch.ts';

/** How the superuser of a server gets in. */
export type ServerAddress = Postgres['superuser'];

/** Of a test that abandons connections, not machines, nothing has to survive a power cut. */
const settings = { fsync: 'off', synchronous_commit: 'off', autovacuum: 'off', deadlock_timeout: '20ms' };

/** Two PostgreSQL servers, as two clusters: those of whoever set MODEL_SERVERS, or fresh ones. */
export async function startServers(): Promise<{ servers: ServerAddress[]; stop(): Promise<void> }> {
  const { MODEL_SERVERS } = process.env;
  if (MODEL_SERVERS !== undefined) return { servers: JSON.parse(MODEL_SERVERS), stop: async () => {} };
  const folder = await scratch('tidemark-clusters-');
  const started: Postgres[] = [];
  for (const name of ['first', 'second']) {
    const postgres = await startPostgres(join(folder, name), () => {});
    started.push(postgres);
    for (const [setting, value] of Object.entries(settings)) {
      await postgres.pool.query(`alter system set ${setting} = '${value}'`);
    }
    await postgres.pool.query('select pg_reload_conf()');
    await postgres.pool.query('create role tidemark_app');
  }
  return {
    servers: started.map(({ superuser }) => superuser),
    async stop() {
      for (const postgres of started) await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
