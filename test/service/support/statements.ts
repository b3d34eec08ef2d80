import type { Databases } from '../../../lambdas/shared/database/database.ts';
import { comesBy } from '../../../lambdas/shared/runtime/request.ts';
import type { User } from '../../support/user.ts';
import { shardOf } from './service.ts';

/** A service's databases as the user's calls see them, and the statements that they have got. */
export interface CountedStatements {
  readonly databases: Databases;
  /** Each by its beginning, in order. */
  made: string[];
}

/** Has what this process asks of the databases for the user counted; the calls come by a sign-in of their own. */
export async function countStatements(user: User): Promise<CountedStatements> {
  const { sql, ...shard } = shardOf(user);
  const counted: Pick<CountedStatements, 'made'> = { made: [] };
  const note = ([text]: unknown[]): void => void counted.made.push(`${text}`.trim().replace(/\s+/g, ' ').slice(0, 80));
  const counting = {
    query: (...statement: unknown[]) => {
      note(statement);
      return (sql.query as (...statement: unknown[]) => Promise<unknown>).apply(sql, statement);
    },
    connect: async () => {
      const client = await sql.connect();
      return {
        query: (...statement: unknown[]) => {
          note(statement);
          return (client.query as (...statement: unknown[]) => Promise<unknown>).apply(client, statement);
        },
        release: () => client.release(),
      };
    },
  } as never;
  const databases = { blocks: counting, shards: [], shardOf: () => ({ ...shard, sql: counting }) };
  comesBy({ id: 'counting', at: 0 });
  await sql.query(`insert into ${shard.schema}.sign_ins (user_id, sign_in, device_id) values ($1, 'counting', $2)`, [
    user.id,
    user.device,
  ]);
  return Object.assign(counted, { databases });
}
