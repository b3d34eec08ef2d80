import type { Shard } from '../../shared/database/rows.ts';
import type { Step } from './step.ts';

const USERS = 50;

/**
 * Compares what some users are booked to hold with their versions. Both are in one shard and change in one transaction,
 * so a single statement sees them agree however busy the users are.
 */
export async function auditHolds({ sql, schema, number }: Shard, after: string | undefined): Promise<Step> {
  const { rows: users } = await sql.query<{ user_id: string }>(
    `select user_id from ${schema}.accounts where $1::uuid is null or user_id > $1 order by user_id limit $2`,
    [after ?? null, USERS],
  );
  const { rows } = await sql.query<{ hash: string; user_id: string; booked: number; actual: number }>(
    `with actual as (
       select user_id, hash as block_hash, count(*)::int as versions
       from (select distinct v.version_id, v.user_id, hash
             from ${schema}.file_versions v, unnest(v.block_hashes) hash where v.user_id = any($1)) each
       group by user_id, hash),
     booked as (select * from ${schema}.held_blocks where user_id = any($1))
     select encode(block_hash, 'hex') as hash, user_id,
       coalesce(b.versions, 0) as booked, coalesce(a.versions, 0) as actual
     from actual a full join booked b using (user_id, block_hash)
     where a.versions is distinct from b.versions
     order by user_id, block_hash limit 1000`,
    [users.map(({ user_id }) => user_id)],
  );
  const last = users.at(-1)?.user_id;
  return {
    checked: { users: users.length },
    findings: rows.map((row) => ({ kind: 'hold-drift', ...row })),
    ...(users.length === USERS && last !== undefined && { next: { phase: 'holds', shard: number, after: last } }),
  };
}
