import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Pool } from 'pg';
import { inject } from 'vitest';
import { databasesOf, typeParsers } from '../../../lambdas/shared/database/database.ts';
import { type Database, type Person, personOf } from '../../../lambdas/shared/database/rows.ts';
import { signIn, User } from '../../support/user.ts';
import type { Whereabouts } from './keeper.ts';

/** Asks the process that keeps the service. */
export async function ask<Body>(path: string, body?: unknown): Promise<Body> {
  const response = await fetch(inject('sharedService') + path, {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Body;
}

const { api, ca, ...whereabouts } = await ask<Whereabouts>('/');

export { api as url, ca as certificates };

setDefaultCACertificates([...getCACertificates('default'), await readFile(ca, 'utf8')]);

/** Folder of the local cloud. */
export const data = whereabouts.data;

/** The service's database, as superuser: for shifting times and for looking behind the API. */
export const database = openDatabase('tidemark');

/** Connections of the superuser to a database of the shared server. */
export function openDatabase(name: string): Pool {
  return new Pool({ ...whereabouts.database, database: name, max: 4, types: typeParsers, allowExitOnIdle: true });
}

/** Creates a user with one registered device and signs in. */
export async function signUp(): Promise<User> {
  const credentials = { username: `${randomUUID()}@tidemark.example`, password: 'Correct-horse-1' };
  await ask('/users', credentials);
  const user = new User(api, await signIn(api, credentials), credentials);
  await user.call('POST', '/devices', { device_id: user.device, name: 'test' });
  return user;
}

/** Invokes a function that no route leads to. Throws when it fails. */
export async function invoke<Result>(name: string, event: unknown): Promise<Result> {
  const { result, failed } = await ask<{ result: string; failed: boolean }>(`/invoke?function=${name}`, event);
  if (failed) throw new Error(`${name} failed: ${result}`);
  return JSON.parse(result) as Result;
}

/** The shard of a user, and the user's id. */
export function shardOf({ id }: User): Person<Database> {
  return personOf(
    databasesOf(database, () => database),
    id,
  );
}
