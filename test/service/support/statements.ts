import type { Databases } from '../../../lambdas/shared/database/database.ts';
import { comesBy } from '../../../lambdas/shared/runtime/request.ts';
import type { User } from '../../support/user.ts';
import { shardOf } from './service.ts';

/** A service's databases as the user's calls see them, and how many statements they have got. */
export interface CountedStatements {
  readonly databases: Databases;
  count: number;
}

/** Has what this process asks of the databases for the user counted; the calls come by a sign-in of their own. */
export async function countStatements(user: User): Promise<CountedStatements> {
  const { sql, ...shard } = shardOf(user);
  const counting = {
    query: (...statement: unknown[]) => {
      counted.count++;
      return (sql.query as (...statement: unknown[]) => Promise<unknown>).apply(sql, statement);
    },
    connect: async () => {
      const client = await sql.connect();
      return {
        query: (...statement: unknown[]) => {
          counted.count++;
          return (client.query as (...statement: unknown[]) => Promise<unknown>).apply(client, statement);
        },
        release: () => client.release(),
      };
    },
  } as never;
  const databases = { blocks: counting, shards: [], shardOf: () => ({ ...shard, sql: counting }) };
  const counted: CountedStatements = { databases, count: 0 };
  comesBy({ id: 'counting', at: 0 });
  await sql.query(`insert into ${shard.schema}.sign_ins (user_id, sign_in, device_id) values ($1, 'counting', $2)`, [
    user.id,
    user.device,
  ]);
  return counted;
}
