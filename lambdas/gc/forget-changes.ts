import type { PoolClient } from 'pg';
import { limits } from '../../protocol/limits.ts';
import type { Shard } from '../shared/database/database.ts';
import { lockAccounts, noteForgotten } from '../shared/tables/accounts.ts';

/** The changes `c` from before the history's time. */
export const OUTDATED = `c.created_at < now() - interval '${limits.historyDays} days'`;

/** Forgets some of these, oldest first; a cursor from before them is gone. */
export async function forgetChanges(sql: PoolClient, shard: Shard, limit: number): Promise<number> {
  const { rows } = await sql.query<{ userId: string; seq: number }>(
    `with old as (
       select c.user_id, c.seq from ${shard.schema}.changes c
       where ${OUTDATED} order by c.created_at, c.seq limit $1 for update skip locked)
     delete from ${shard.schema}.changes c using old where (c.user_id, c.seq) = (old.user_id, old.seq)
     returning c.user_id as "userId", c.seq`,
    [limit],
  );
  await lockAccounts(
    sql,
    shard,
    rows.map(({ userId }) => userId),
  );
  await noteForgotten(sql, shard, rows);
  return rows.length;
}
