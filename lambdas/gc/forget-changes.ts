import type { PoolClient } from 'pg';
import { limits } from '../../protocol/limits.ts';
import type { Shard } from '../shared/database/rows.ts';
import { lockAccounts, noteForgotten } from '../shared/tables/accounts.ts';

/** The changes `c` from before the history's time. */
export const OUTDATED = `c.created_at < now() - interval '${limits.historyDays} days'`;

/** Forgets some of these, oldest first; a cursor from before them is gone. */
export async function forgetChanges(shard: Shard<PoolClient>, limit: number): Promise<number> {
  const { rows } = await shard.sql.query<{ id: string; seq: number }>(
    `with old as (
       select c.user_id, c.seq from ${shard.schema}.changes c
       where ${OUTDATED} order by c.created_at, c.seq limit $1 for update skip locked)
     delete from ${shard.schema}.changes c using old where (c.user_id, c.seq) = (old.user_id, old.seq)
     returning c.user_id as id, c.seq`,
    [limit],
  );
  await lockAccounts(
    shard,
    rows.map(({ id }) => id),
  );
  await noteForgotten(shard, rows);
  return rows.length;
}
