import { Pool } from 'pg';
import { typeParsers } from '../../lambdas/shared/database/database.ts';
import { shardOf, shardSchemas } from '../../lambdas/shared/database/shards.ts';
import { type Service, startService } from '../support/service.ts';
import { assemblyOf } from '../support/synthesis.ts';
import type { User } from '../support/user.ts';

/** A service over two database clusters, a and b. */
export interface TwoClusters {
  readonly service: Service;
  /** The superuser's connections by cluster. */
  readonly databases: { readonly a: Pool; readonly b: Pool };
  stop(): Promise<void>;
}

export async function startTwo(): Promise<TwoClusters> {
  const service = await startService(await assemblyOf({ profile: 'team', clusters: '2' }));
  const [a, b] = service.cloud.services
    .databases()
    .map((server) => new Pool({ ...server, database: 'tidemark', max: 4, types: typeParsers }));
  return {
    service,
    databases: { a: a!, b: b! },
    async stop() {
      await Promise.all([a!.end(), b!.end()]);
      await service.stop();
    },
  };
}

/** A user's shard: its number, its schema, and the database that has it now. */
export async function shardOfUser({ databases }: TwoClusters, user: User) {
  const number = shardOf(user.id);
  const schema = shardSchemas[number]!;
  for (const [cluster, pool] of Object.entries(databases)) {
    const { rowCount } = await pool.query('select from pg_namespace where nspname = $1', [schema]);
    if (rowCount === 1) return { number, schema, cluster: cluster as 'a' | 'b', pool };
  }
  throw new Error(`${schema} is nowhere`);
}

/** A user whose shard is on the cluster now. */
export async function signUpOn(two: TwoClusters, cluster: 'a' | 'b'): Promise<User> {
  for (;;) {
    const user = await two.service.signUp();
    if ((await shardOfUser(two, user)).cluster === cluster) return user;
  }
}
