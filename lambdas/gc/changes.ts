import type { PoolClient } from 'pg';
import { limits } from '../../protocol/limits.ts';
import type { Shard } from '../shared/database.ts';

/** Forgets some changes from before the history's time, oldest first; a cursor from before them is gone. */
export async function forgetChanges(sql: PoolClient, { schema }: Shard, limit: number): Promise<number> {
  const { rows } = await sql.query<{ user_id: string; seq: number }>(
    `with old as (
       select user_id, seq from ${schema}.changes
       where created_at < now() - $1 * interval '1 day' order by created_at, seq limit $2)
     delete from ${schema}.changes c using old where (c.user_id, c.seq) = (old.user_id, old.seq)
     returning c.user_id, c.seq`,
    [limits.historyDays, limit],
  );
  await sql.query(
    `update ${schema}.accounts a set forgotten_seq = greatest(a.forgotten_seq, gone.seq)
     from (select user_id, max(seq) as seq from unnest($1::uuid[], $2::int8[]) g(user_id, seq) group by user_id) gone
     where a.user_id = gone.user_id`,
    [rows.map(({ user_id }) => user_id), rows.map(({ seq }) => seq)],
  );
  return rows.length;
}
