import { join } from 'node:path';
import pMap from 'p-map';
import { customResource } from '../shared/custom-resource.ts';
import { poolOf } from '../shared/database.ts';
import { requireEnv } from '../shared/env.ts';
import { logger } from '../shared/log.ts';
import { parseShardMap, shardSchemas } from '../shared/shards.ts';
import { migrateSchema } from './migrate.ts';
import { readMigrations } from './migrations.ts';

/** DDL waits for the locks of running requests; those end within half a minute. */
const STATEMENT_MS = 60_000;

/** Custom resource: all schemas at the newest migration. A new hash of the SQL makes CloudFormation call it again. */
export const handler = customResource(async () => {
  const folder = join(import.meta.dirname, 'migrations');
  const [shardMigrations, blocksMigrations] = [
    readMigrations(join(folder, 'shard')),
    readMigrations(join(folder, 'blocks')),
  ];
  const map = parseShardMap(requireEnv('SHARD_MAP'));
  const applied = await Promise.all(
    Object.entries(map.clusters).map(async ([name, cluster]) => {
      const pool = poolOf(cluster, STATEMENT_MS);
      try {
        const work = shardSchemas
          .filter((_, shard) => map.clusterOf(shard) === name)
          .map((schema) => ({ schema, migrations: shardMigrations }));
        if (map.blocks === name) work.push({ schema: 'blocks', migrations: blocksMigrations });
        const run = ({ schema, migrations }: (typeof work)[number]) => migrateSchema(pool, schema, migrations);
        return sum(await pMap(work, run, { concurrency: 2 }));
      } finally {
        await pool.end();
      }
    }),
  );
  logger.info('migrated', { applied: sum(applied) });
  return {};
});

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
