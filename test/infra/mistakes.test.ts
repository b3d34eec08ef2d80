import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, CfnOutput, CfnResource, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { CfnRoute } from 'aws-cdk-lib/aws-apigatewayv2';
import { CfnKeyGroup } from 'aws-cdk-lib/aws-cloudfront';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnUserPool, CfnUserPoolClient } from 'aws-cdk-lib/aws-cognito';
import { CfnSecurityGroupIngress, CfnVPCEndpoint } from 'aws-cdk-lib/aws-ec2';
import { CfnPolicy } from 'aws-cdk-lib/aws-iam';
import { CfnEventSourceMapping, CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnCluster } from 'aws-cdk-lib/aws-msk';
import { CfnDBCluster, CfnDBClusterParameterGroup } from 'aws-cdk-lib/aws-rds';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { connectionOf } from '../../lambdas/shared/database/database.ts';
import { ttlProblem } from '../../local/aws/dynamodb.ts';
import { limits } from '../../protocol/limits.ts';
import { bucketProblems } from './checks/buckets.ts';
import { startProblems, statementProblems } from './checks/database.ts';
import { functionProblems } from './checks/functions.ts';
import { handlerProblems } from './checks/handlers.ts';
import { alarmProblems, nameProblems } from './checks/names.ts';
import { wiringOf } from './checks/network.ts';
import { payloadProblems } from './checks/payload.ts';
import { quotaProblems, variableProblems } from './checks/quotas.ts';
import { emptyingProblems, exportProblems, retentionProblems } from './checks/retention.ts';
import { routeProblems } from './checks/routes.ts';
import { statefulIdProblems } from './checks/stateful-ids.ts';
import { refusalsOf } from './checks/transition.ts';
import { userProblems } from './checks/users.ts';
import { deploymentIn, deploymentOf } from './deployment.ts';
import { synthesize } from './synthesis.ts';

// Each mistake is made in the app itself, and has to be found by the very checks that the other tests, or synthesis, run.

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** What is found in the app with a mistake in it; synthesis itself may find it, and then there is no more to check. */
async function found(change: (app: App) => void): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-mistake-'));
  folders.push(folder);
  try {
    synthesize('dev', folder, { change });
  } catch (error) {
    return [String(error)];
  }
  return await problemsIn(folder);
}

async function problemsIn(folder: string): Promise<string[]> {
  const deployment = deploymentIn(folder);
  return [
    ...functionProblems(deployment),
    ...routeProblems(deployment),
    ...bucketProblems(deployment),
    ...quotaProblems(deployment, { concurrency: 10 }),
    ...variableProblems(deployment),
    ...nameProblems(deployment),
    ...alarmProblems(deployment),
    ...refusalsOf(deploymentOf('dev'), deployment),
    ...retentionProblems(deployment),
    ...emptyingProblems(deployment),
    ...exportProblems(deployment),
    ...statementProblems(deployment),
    ...userProblems(deployment, 'you@example.com'),
    ...statefulIdProblems('dev', deployment),
    ...(await wiringOf(deployment)).obstacles(),
    ...(await handlerProblems(deployment, deploymentOf('dev'))),
  ];
}

/** The one resource of that class whose path ends so. */
function the<T extends CfnResource>(app: App, kind: abstract new (...args: never[]) => T, path: string): T {
  const all = app.node.findAll().filter((one) => one instanceof kind && one.node.path.endsWith(path));
  if (all.length !== 1) throw new Error(`${all.length} resources end in ${path}`);
  return all[0] as unknown as T;
}

function remove(resource: CfnResource): void {
  if (!resource.node.scope?.node.tryRemoveChild(resource.node.id)) throw new Error(`${resource.node.path} stays`);
}

test('the app as it is has none of them', async () => {
  expect(await problemsIn(deploymentOf('dev').folder)).toEqual([]);
  expect(payloadProblems()).toEqual([]);
  process.env.DATABASE_USER = 'tidemark_app';
  process.env.DATABASE_NAME = 'tidemark';
  expect(startProblems(connectionOf({ host: 'proxy', port: 5432 }))).toEqual([]);
});

test.each<[mistake: string, make: (app: App) => void, message: RegExp]>([
  [
    'a missing grant',
    (app) => {
      const policy = the(app, CfnPolicy, 'TidemarkApi/DeltaApplyRole/DefaultPolicy/Resource');
      const { Statement } = policy.policyDocument.toJSON() as { Statement: { Action: string[] }[] };
      const left = Statement.filter(({ Action }) => !Action.includes('s3:PutObject'));
      policy.policyDocument = { Version: '2012-10-17', Statement: left };
    },
    /DeltaApply lacks the right s3:PutObject, which its code uses/,
  ],
  [
    'a closed security group',
    (app) => {
      const rules = app.node.findAll().filter((one) => one instanceof CfnSecurityGroupIngress);
      for (const rule of rules) if (rule.description === 'Functions that run SQL') remove(rule);
    },
    /Finalize \(in the VPC\) may not connect to the database: allow it between their security groups in lib/,
  ],
  [
    'a missing endpoint',
    (app) => remove(the(app, CfnVPCEndpoint, 'TidemarkNetwork/Vpc/Lambda/Resource')),
    /Finalize \(in the VPC\) has no route to lambda: add an interface endpoint/,
  ],
  [
    'a wrong name of an environment variable',
    (app) => {
      const fn = the(app, CfnFunction, 'TidemarkApi/UploadInit/Resource');
      fn.addPropertyOverride('Environment.Variables.BLOCKS_BUCKET', 'blocks');
      fn.addPropertyDeletionOverride('Environment.Variables.BLOCK_BUCKET');
    },
    /UploadInit lacks the variable BLOCK_BUCKET, which its code uses[\s\S]*UploadInit has the variable BLOCKS_BUCKET, which its code does not use/,
  ],
  [
    'a route without authorizer',
    (app) => {
      const routes = app.node.findAll().filter((one) => one instanceof CfnRoute);
      const route = routes.find(({ routeKey }) => routeKey === 'POST /finalize')!;
      route.authorizationType = 'NONE';
      route.addPropertyDeletionOverride('AuthorizerId');
    },
    /The API does not implement authorization[\s\S]*TidemarkApi\/Http\/POST--finalize/,
  ],
  [
    'a public bucket',
    (app) => {
      const open = {
        blockPublicAcls: true,
        ignorePublicAcls: true,
        blockPublicPolicy: false,
        restrictPublicBuckets: false,
      };
      the(app, CfnBucket, 'TidemarkBlocks/Blocks/Resource').publicAccessBlockConfiguration = open;
    },
    /does not have public access restricted and blocked[\s\S]*TidemarkBlocks\/Blocks\/Resource/,
  ],
  [
    'a bucket that nothing keeps from becoming public',
    (app) =>
      the(app, CfnBucket, 'TidemarkBlocks/Blocks/Resource').addPropertyDeletionOverride(
        'PublicAccessBlockConfiguration',
      ),
    /TidemarkBlocks\/Blocks\/Resource can be made public: it lacks BlockPublicAcls/,
  ],
  [
    'another logical id of the cluster',
    (app) => the(app, CfnDBCluster, 'ClusterA/Cluster/Resource').overrideLogicalId('RenamedCluster'),
    /Gone: TidemarkMetadata.DatabaseClusterACluster\w+\nNew: TidemarkMetadata.RenamedCluster[\s\S]*leaves it behind with everybody's data/,
  ],
  [
    'a handler that does not exist',
    (app) => {
      the(app, CfnFunction, 'TidemarkApi/Finalize/Resource').handler = 'handler.handler';
      the(app, CfnFunction, 'TidemarkApi/Tree/Resource').handler = 'index.main';
    },
    /Finalize: its handler is handler\.handler, and that module of its bundle does not exist[\s\S]*Tree: .* exports no function main/,
  ],
  [
    'a batch above the limit of the service',
    (app) => {
      the(app, CfnEventSourceMapping, 'TidemarkMaintenance/Gc/Changes/Resource').batchSize = 20_000;
    },
    /BatchSize: 20000 is greater than the maximum of 10000[\s\S]*TidemarkMaintenance\/Gc\/Changes/,
  ],
  [
    'a pool that takes no addresses as names',
    (app) => {
      const pool = the(app, CfnUserPool, 'TidemarkIdentity/Users/Resource');
      pool.addPropertyDeletionOverride('UsernameAttributes');
      pool.aliasAttributes = ['email'];
    },
    /takes no user you@example\.com: Username cannot be of email format, since user pool is configured for email alias/,
  ],
  [
    'a reservation that a new account refuses',
    (app) => {
      the(app, CfnFunction, 'TidemarkMaintenance/Relay/Resource').reservedConcurrentExecutions = 2;
    },
    /\(2 in all\) decrease account's UnreservedConcurrentExecution below its minimum value of \[10\]/,
  ],
  [
    'variables that are too large for Lambda',
    (app) =>
      the(app, CfnFunction, 'TidemarkApi/UploadInit/Resource').addPropertyOverride(
        'Environment.Variables.BLOCK_BUCKET',
        'b'.repeat(4000),
      ),
    /UploadInit has variables of \d+ bytes, and Lambda takes 4096/,
  ],
  [
    'a bucket that is deleted with what is in it',
    (app) => the(app, CfnResource, 'TidemarkBlocks/Emptied/AccessLogs/Default').addPropertyOverride('Empty', 'false'),
    /TidemarkBlocks\.AccessLogs\w+ is deleted with its stack, and nothing empties it: S3 answers BucketNotEmpty/,
  ],
  [
    'something that is kept and uses what is deleted',
    (app) => the(app, CfnDBCluster, 'ClusterA/Cluster/Resource').applyRemovalPolicy(RemovalPolicy.RETAIN),
    /TidemarkMetadata\.DatabaseClusterACluster\w+ is kept, and uses TidemarkMetadata\.DatabaseClusterAClusterSubnets\w+, which is deleted/,
  ],
  [
    'an export that a restore changes',
    (app) => {
      const stack = app.node.findChild('TidemarkMetadata') as Stack;
      const cluster = the(app, CfnDBCluster, 'ClusterA/Cluster/Resource');
      new CfnOutput(stack, 'ClusterId', { value: cluster.attrDbClusterResourceId, exportName: 'cluster-id' });
    },
    /cluster-id will change: CloudFormation refuses to update an export as long as a stack imports it/,
  ],
  [
    'a cluster that is to be replaced under its name',
    (app) =>
      the(app, CfnCluster, 'TidemarkStream/Cluster').addPropertyOverride('BrokerNodeGroupInfo.ClientSubnets.0', 'x'),
    /TidemarkStream\.Cluster is to be replaced and keeps its name: a custom-named resource cannot be/,
  ],
  [
    'an alarm that rings in every new deployment',
    (app) => {
      the(app, CfnAlarm, 'TidemarkOperations/GcLag/Resource').treatMissingData = 'breaching';
    },
    /TidemarkOperations\.GcLag\w+ rings in every new deployment/,
  ],
  [
    'a name that CloudFront has in all regions',
    (app) =>
      the(app, CfnKeyGroup, 'TidemarkBlocks/Signers/Resource').addPropertyOverride('KeyGroupConfig.Name', 'Signers'),
    /TidemarkBlocks\.Signers\w+ is named "Signers" in all regions: another one with that name already exists/,
  ],
  [
    'devices that stop after a month',
    (app) => {
      the(app, CfnUserPoolClient, 'TidemarkIdentity/Users/Client/Resource').refreshTokenValidity = 30 * 24 * 60;
    },
    /TidemarkIdentity\/Users\/Client\/Resource: a device stops when its refresh token ends, and nobody notices/,
  ],
  [
    'statements without a bound',
    (app) =>
      the(app, CfnDBClusterParameterGroup, 'ClusterA/Cluster/ParameterGroup/Resource').addPropertyDeletionOverride(
        'Parameters.statement_timeout',
      ),
    /ClusterA\/.* lets a statement run for Infinity s, longer than UploadInit/,
  ],
  [
    'an address that a stolen access token can change',
    (app) =>
      the(app, CfnUserPoolClient, 'TidemarkIdentity/Users/Client/Resource').addPropertyDeletionOverride(
        'WriteAttributes',
      ),
    /TidemarkIdentity\/Users\/Client\/Resource: who steals an access token can change the user's address/,
  ],
])(
  '%s is found, and its cause is named',
  async (_, make, message) => {
    expect((await found(make)).join('\n')).toMatch(message);
  },
  240_000,
);

test('an end in milliseconds is found, and its cause is named', () => {
  const end = (seconds: number) => ttlProblem('expires_at', { expires_at: { N: String(seconds) } });
  expect(end(Math.floor(Date.now() / 1000) + 7200)).toBeUndefined();
  expect(end(Date.now() + 7_200_000)).toMatch(/^its expires_at is \d{13}, and DynamoDB counts seconds since 1970$/);
});

test('a connection that a proxy refuses is found, and its cause is named', () => {
  expect(startProblems({ statement_timeout: 8000 })).toEqual([
    "0A000: Feature not supported: RDS Proxy currently doesn't support the option statement_timeout.",
  ]);
});

test('a payload above 6 MB is found, and its cause is named', () => {
  expect(payloadProblems({ ...limits, binaryBodyBytes: 6 * 1024 * 1024 })).toEqual([
    expect.stringMatching(
      /^limits\.binaryBodyBytes: .* in base64, has \d+ bytes, and a function takes 6291456: lower it/,
    ),
  ]);
  expect(payloadProblems({ ...limits, blocksPerCall: 100_000, sendsPerPage: 4000 })).toEqual([
    expect.stringMatching(/^limits\.blocksPerCall: an upload-init call/),
    expect.stringMatching(/^limits\.sendsPerPage: an upload-init answer/),
  ]);
});
