import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseResumingException, ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data';
import * as z from 'zod';
import { customResource } from '../shared/runtime/custom-resource.ts';
import { requireEnv } from '../shared/runtime/env.ts';

/** The one that may change the schema, and the one that requests run as. Both sign in with IAM tokens only. */
const roles = ['tidemark_migrate', 'tidemark_app'];

const Cluster = z.object({ ClusterArn: z.string(), SecretArn: z.string() });

/** Custom resource: makes a cluster's roles with its master user, through the Data API, from outside the VPC. */
export const handler = customResource(async (properties) => {
  const cluster = Cluster.parse(properties);
  const database = requireEnv('DATABASE_NAME');
  for (const role of roles) {
    await execute(cluster, `do $$ begin create role ${role} login; exception when duplicate_object then null; end $$`);
    await execute(cluster, `grant rds_iam to ${role}`);
  }
  await execute(cluster, `grant create, connect on database ${database} to tidemark_migrate`);
  await execute(cluster, `grant connect on database ${database} to tidemark_app`);
  return {};
});

const client = new RDSDataClient({});
/** Between attempts: a paused cluster resumes in 15 s, and in 30 after a day. The SDK repeats nothing for that. */
const WAITS_MS = [500, 1000, 2000, 4000, 8000, 16_000, 32_000];

async function execute({ ClusterArn, SecretArn }: z.infer<typeof Cluster>, sql: string): Promise<void> {
  const command = new ExecuteStatementCommand({
    resourceArn: ClusterArn,
    secretArn: SecretArn,
    database: requireEnv('DATABASE_NAME'),
    sql,
  });
  for (const wait of [...WAITS_MS, undefined]) {
    try {
      await client.send(command);
      return;
    } catch (error) {
      if (wait === undefined || !(error instanceof DatabaseResumingException)) throw error;
      await sleep(wait);
    }
  }
}
