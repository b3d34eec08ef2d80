import type { Databases } from '../shared/database/database.ts';
import type { Shard } from '../shared/database/rows.ts';
import { OUTDATED_CHANGE } from '../shared/tables/changes.ts';
import { OLD_DELTA } from '../shared/tables/deltas.ts';
import { UNSETTLED } from '../shared/tables/ledger.ts';
import { EXPIRED_PIN } from '../shared/tables/pins.ts';
import { OUTDATED_ANSWER } from '../shared/tables/requests.ts';
import { UNUSED } from '../shared/tables/unused-blocks.ts';
import { EXPIRED_UPLOAD } from '../shared/tables/uploads.ts';
import { OVERDUE } from './expire-versions.ts';

interface ShardCounts {
  changes_forgotten: number;
  versions_expired: number;
  uploads_expired: number;
  answers_forgotten: number;
  deltas_forgotten: number;
}

interface BlockCounts {
  counts_settled: number;
  pins_expired: number;
  blocks_condemned: number;
  blocks_deleted: number;
}

/** What a sweep would do now; it changes nothing. What a run lets go of is deleted by one after `graceHours`. */
export async function preview(databases: Databases): Promise<ShardCounts & BlockCounts> {
  const total = {
    changes_forgotten: 0,
    versions_expired: 0,
    uploads_expired: 0,
    answers_forgotten: 0,
    deltas_forgotten: 0,
  };
  for (const shard of databases.shards) {
    const counts = await countInShard(shard);
    for (const name of Object.keys(total) as (keyof ShardCounts)[]) total[name] += counts[name];
  }
  const { rows } = await databases.blocks.query<BlockCounts>(
    `select (select count(*) from blocks.ledger where ${UNSETTLED}) as counts_settled,
       (select count(*) from blocks.pins where ${EXPIRED_PIN}) as pins_expired,
       count(*) filter (where b.state = 'live') as blocks_condemned, count(*) as blocks_deleted
     from blocks.blocks b where ${UNUSED}`,
  );
  return { ...total, ...rows[0]! };
}

async function countInShard({ sql, schema }: Shard): Promise<ShardCounts> {
  const { rows } = await sql.query<ShardCounts>(
    `select (select count(*) from ${schema}.changes c where ${OUTDATED_CHANGE}) as changes_forgotten,
       (select count(*) from ${schema}.file_versions v where ${OVERDUE}) as versions_expired,
       (select count(*) from ${schema}.uploads where ${EXPIRED_UPLOAD}) as uploads_expired,
       (select count(*) from ${schema}.requests where ${OUTDATED_ANSWER}) as answers_forgotten,
       (select count(*) from ${schema}.deltas where ${OLD_DELTA}) as deltas_forgotten`,
  );
  return rows[0]!;
}
