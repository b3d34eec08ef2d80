import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Pool } from 'pg';
import { inject } from 'vitest';
import { typeParsers } from '../../lambdas/shared/database/database.ts';
import { type Cloud, startCloud } from '../../local/cloud/cloud.ts';
import { layDatabase } from './database.ts';
import { freePorts } from './ports.ts';
import { scratch } from './scratch.ts';
import { signIn, User } from './user.ts';

export interface Service {
  readonly cloud: Cloud;
  readonly data: string;
  /** What the local cloud printed. */
  readonly log: string[];
  /** The service's database, as superuser: for shifting times and looking behind the API. The service closes it. */
  readonly database: Pool;
  /** Creates a user with one registered device and signs in. */
  signUp(): Promise<User>;
  stop(): Promise<void>;
}

/** Starts the local cloud on the synthesized assembly, on free ports and with an empty data folder unless given. */
export async function startService(
  assembly: string = inject('assembly'),
  options: { kafkaBrokers?: readonly string[]; data?: string; port?: number } = {},
): Promise<Service> {
  const data = options.data ?? (await scratch('tidemark-service-'));
  await layDatabase(data, inject('database'));
  const log: string[] = [];
  const port = options.port ?? (await freePorts(10));
  const cloud = await startCloud({ ...options, assembly, data, port, log: (line) => log.push(line) });
  const database = new Pool({ ...cloud.services.database, database: 'tidemark', max: 4, types: typeParsers });
  // The server ends idle connections when the cloud stops.
  database.on('error', () => undefined);
  setDefaultCACertificates([...getCACertificates('default'), await readFile(cloud.ca, 'utf8')]);
  return {
    cloud,
    data,
    log,
    database,
    signUp: async () => {
      const credentials = { username: `${randomUUID()}@tidemark.example`, password: 'Correct-horse-1' };
      await cloud.services.createUser(cloud.outputs.UserPoolId!, credentials);
      const user = new User(cloud.urls.api, await signIn(cloud.urls.api, credentials), credentials);
      await user.call('POST', '/devices', { device_id: user.device, name: 'test' });
      return user;
    },
    stop: async () => {
      await database.end();
      await cloud.stop();
      if (options.data === undefined) await rm(data, { recursive: true, force: true });
    },
  };
}
