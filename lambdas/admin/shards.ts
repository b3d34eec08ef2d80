import type { AdminAnswers } from '../../protocol/admin.ts';
import type { Clusters } from '../shared/database/database.ts';

type Row = AdminAnswers['shards']['shards'][number];

/** What each shard holds, and where it is; shards of which a move was interrupted while it switched are missing. */
export async function listShards({ places, shards }: Clusters): Promise<Row[]> {
  const clusters = await places.look();
  const rows: Row[] = [];
  for (const { number, schema, sql } of shards) {
    const cluster = clusters.get(number);
    if (cluster === undefined) continue;
    const { rows: found } = await sql.query<Omit<Row, 'shard' | 'cluster'>>(
      `select count(*) as users, coalesce(sum(used_bytes), 0)::int8 as bytes,
         (select count(*) from ${schema}.files where deleted_at is null and kind <> 'directory') as files
       from ${schema}.accounts`,
    );
    rows.push({ shard: number, cluster, ...found[0]! });
  }
  return rows;
}
