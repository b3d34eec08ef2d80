import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data';
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

async function execute({ ClusterArn, SecretArn }: z.infer<typeof Cluster>, sql: string): Promise<void> {
  await client.send(
    new ExecuteStatementCommand({
      resourceArn: ClusterArn,
      secretArn: SecretArn,
      database: requireEnv('DATABASE_NAME'),
      sql,
    }),
  );
}
