import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data';
import { customResource } from '../shared/custom-resource.ts';
import { requireEnv } from '../shared/env.ts';

/** The one that may change the schema, and the one that requests run as. Both sign in with IAM tokens only. */
const roles = ['tidemark_migrate', 'tidemark_app'];

/** Custom resource: makes the database's roles with the master user, through the Data API, from outside the VPC. */
export const handler = customResource(async () => {
  const database = requireEnv('DATABASE_NAME');
  for (const role of roles) {
    await execute(`do $$ begin create role ${role} login; exception when duplicate_object then null; end $$`);
    await execute(`grant rds_iam to ${role}`);
  }
  await execute(`grant create, connect on database ${database} to tidemark_migrate`);
  await execute(`grant connect on database ${database} to tidemark_app`);
  return {};
});

const client = new RDSDataClient({});

async function execute(sql: string): Promise<void> {
  await client.send(
    new ExecuteStatementCommand({
      resourceArn: requireEnv('CLUSTER_ARN'),
      secretArn: requireEnv('CLUSTER_SECRET'),
      database: requireEnv('DATABASE_NAME'),
      sql,
    }),
  );
}
