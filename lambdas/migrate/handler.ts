import { join } from 'node:path';
import pMap from 'p-map';
import { type Clusters, connectClusters } from '../shared/database/database.ts';
import { leftSchema, shardSchemas } from '../shared/database/shards.ts';
import { migrateSchema } from '../shared/migrations/migrate-schema.ts';
import { readMigrations } from '../shared/migrations/read.ts';
import { customResource } from '../shared/runtime/custom-resource.ts';
import { logger } from '../shared/runtime/log.ts';

/** DDL waits for the locks of running requests; those end within half a minute. */
const STATEMENT_MS = 60_000;

/** Custom resource: all schemas at the newest migration. A new hash of the SQL makes CloudFormation call it again. */
export const handler = customResource(async () => {
  const folder = join(import.meta.dirname, 'migrations');
  const [shardMigrations, blocksMigrations] = [
    readMigrations(join(folder, 'shard')),
    readMigrations(join(folder, 'blocks')),
  ];
  const clusters = connectClusters(STATEMENT_MS);
  const { pools, places, blocksCluster } = clusters;
  try {
    await demandShards(clusters);
    const applied = await Promise.all(
      [...pools].map(async ([name, pool]) => {
        const work = shardSchemas
          .filter((_, shard) => places.clusterOf(shard) === name)
          .map((schema) => ({ schema, migrations: shardMigrations }));
        if (name === blocksCluster) work.push({ schema: 'blocks', migrations: blocksMigrations });
        const run = ({ schema, migrations }: (typeof work)[number]) => migrateSchema(pool, schema, migrations);
        return sum(await pMap(work, run, { concurrency: 2 }));
      }),
    );
    logger.info('migrated', { applied: sum(applied) });
    return {};
  } finally {
    await Promise.all([...pools.values()].map((pool) => pool.end()));
  }
});

/** A shard that is nowhere is made anew, unless a move of it was interrupted: then its rows are under another name. */
async function demandShards({ pools, places }: Clusters): Promise<void> {
  const found = await places.look();
  const left = shardSchemas.flatMap((_, shard) => (found.has(shard) ? [] : [leftSchema(shard)]));
  for (const [name, pool] of pools) {
    const { rows } = await pool.query<{ nspname: string }>(
      'select nspname from pg_catalog.pg_namespace where nspname = any($1)',
      [left],
    );
    if (rows[0]) {
      const { nspname } = rows[0];
      throw new Error(
        `a move was interrupted, cluster ${name} has ${nspname}: finish it with tidemark-admin shard move`,
      );
    }
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
