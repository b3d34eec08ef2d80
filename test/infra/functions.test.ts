import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { profileNames } from '../../lib/profiles.ts';
import { deploymentOf } from './deployment.ts';

const common = ['NODE_OPTIONS', 'POWERTOOLS_LOG_LEVEL', 'POWERTOOLS_SERVICE_NAME'];
const database = ['DATABASE_NAME', 'DATABASE_USER', 'NODE_EXTRA_CA_CERTS', 'SHARD_MAP'];

interface Expected {
  readonly inVpc: boolean;
  readonly memory: number;
  readonly timeout: number;
  /** Beside the common ones. */
  readonly environment: readonly string[];
  /** All actions of the function's own policy. */
  readonly actions: readonly string[];
}

function inVpc(memory: number, timeout: number, environment: string[], actions: string[]): Expected {
  return {
    inVpc: true,
    memory,
    timeout,
    environment: [...database, ...environment],
    actions: ['rds-db:connect', ...actions],
  };
}

function outside(memory: number, timeout: number, environment: string[], actions: string[]): Expected {
  return { inVpc: false, memory, timeout, environment, actions };
}

const readSecret = 'secretsmanager:GetSecretValue';
const consume = [
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeVpcs',
  'kafka-cluster:AlterGroup',
  'kafka-cluster:Connect',
  'kafka-cluster:DescribeClusterDynamicConfiguration',
  'kafka-cluster:DescribeGroup',
  'kafka-cluster:DescribeTopic',
  'kafka-cluster:ReadData',
  'kafka:DescribeClusterV2',
  'kafka:GetBootstrapBrokers',
];
/** Of pollers whose function has no interfaces in the VPC itself. */
const interfaces = [
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
];

/** Network interfaces have no ARN before they exist. */
const interfaceAction = /^ec2:(Assign|Create|Delete|Describe|Unassign)/;

/** Every function: what it gets and what it may do, and nothing else. */
const expected: Record<string, Expected> = {
  UploadInit: inVpc(512, 15, ['BLOCK_BUCKET', 'DEDUP_SCOPE', 'QUOTA_BYTES'], ['s3:PutObject']),
  Prove: inVpc(1024, 29, ['BLOCK_BUCKET'], ['s3:GetObject']),
  DeltaApply: inVpc(1769, 29, ['BLOCK_BUCKET'], ['s3:GetObject', 's3:PutObject']),
  Finalize: inVpc(
    1024,
    29,
    ['BLOCK_BUCKET', 'RELAY_FUNCTION'],
    ['lambda:InvokeFunction', 's3:GetObject', 's3:ListBucket'],
  ),
  Heal: inVpc(512, 15, ['BLOCK_BUCKET'], ['s3:GetObject', 's3:ListBucket', 's3:PutObject']),
  Delete: inVpc(512, 15, ['RELAY_FUNCTION'], ['lambda:InvokeFunction']),
  Move: inVpc(512, 15, ['RELAY_FUNCTION'], ['lambda:InvokeFunction']),
  Restore: inVpc(512, 15, ['RELAY_FUNCTION'], ['lambda:InvokeFunction']),
  Changes: inVpc(512, 15, [], []),
  Compare: inVpc(512, 15, [], []),
  Tree: inVpc(512, 15, [], []),
  History: inVpc(512, 15, [], []),
  Devices: inVpc(256, 15, ['HANG_UP_FUNCTION'], ['lambda:InvokeFunction']),
  Ticket: inVpc(256, 15, ['TICKETS_TABLE'], ['dynamodb:PutItem']),
  Locate: inVpc(512, 10, [], []),
  Download: outside(
    256,
    15,
    ['CDN_DOMAIN', 'CDN_KEY_PAIR_ID', 'CDN_KEY_SECRET', 'LOCATE_FUNCTION'],
    ['lambda:InvokeFunction', readSecret],
  ),
  Service: outside(128, 5, ['API_URL', 'AUTH_CLIENT_ID', 'AUTH_PROVIDER_URL', 'SOCKET_URL'], []),
  Fallback: outside(128, 5, [], []),
  Authorize: outside(128, 5, ['TICKETS_TABLE'], ['dynamodb:DeleteItem']),
  Connect: outside(128, 5, ['CONNECTIONS_TABLE'], ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem']),
  Disconnect: outside(128, 5, ['CONNECTIONS_TABLE'], ['dynamodb:DeleteItem']),
  SocketMessage: outside(128, 5, [], []),
  Notify: outside(
    256,
    30,
    ['CONNECTIONS_TABLE', 'SOCKET_CALLBACK_URL'],
    ['dynamodb:DeleteItem', 'dynamodb:Query', 'execute-api:ManageConnections', ...consume, ...interfaces],
  ),
  HangUp: outside(
    128,
    30,
    ['CONNECTIONS_TABLE', 'SOCKET_CALLBACK_URL'],
    ['dynamodb:DeleteItem', 'dynamodb:PutItem', 'dynamodb:Query', 'execute-api:ManageConnections'],
  ),
  Gc: inVpc(
    512,
    300,
    ['BLOCK_BUCKET'],
    ['s3:DeleteObjectVersion', 's3:ListBucketVersions', 'sqs:SendMessage', ...consume],
  ),
  Admin: inVpc(1024, 300, ['BLOCK_BUCKET'], ['s3:GetObject', 's3:ListBucket', 's3:ListBucketVersions']),
  Relay: inVpc(
    256,
    60,
    ['STREAM_BROKERS', 'STREAM_TOPIC'],
    ['kafka-cluster:Connect', 'kafka-cluster:DescribeTopic', 'kafka-cluster:WriteData', 'sqs:SendMessage'],
  ),
  Migrate: inVpc(512, 840, [], []),
  DatabaseLogin: outside(256, 120, ['DATABASE_NAME'], ['rds-data:ExecuteStatement', readSecret]),
  Brokers: outside(256, 120, [], ['kafka:GetBootstrapBrokers']),
  SigningKey: outside(256, 60, ['CDN_KEY_SECRET'], ['secretsmanager:PutSecretValue', readSecret]),
};

describe.each(profileNames)('functions of the profile %s', (profile) => {
  const { functions } = deploymentOf(profile);

  test('are the folders of lambdas/, each deployed', () => {
    const folders = readdirSync(join(import.meta.dirname, '../../lambdas'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
      .map(({ name }) => name);
    const kebab = Object.keys(expected).map((id) => id.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase());
    expect(kebab.sort()).toEqual(folders.sort());
    expect([...new Set(functions.map(({ name }) => name))].sort()).toEqual(Object.keys(expected).sort());
  });

  test.each(functions.map((fn) => [fn.name, fn] as const))(
    '%s has its size, place, variables and rights',
    (name, fn) => {
      const { properties, environment, statements } = fn;
      expect(properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
      expect({
        inVpc: 'VpcConfig' in properties,
        memory: properties.MemorySize,
        timeout: properties.Timeout,
        environment: Object.keys(environment).sort(),
        actions: [...new Set(statements.flatMap(({ actions }) => actions))].sort(),
      }).toEqual({
        ...expected[name],
        environment: [...common, ...(expected[name]?.environment ?? [])].sort(),
        actions: [...(expected[name]?.actions ?? [])].sort(),
      });
    },
  );

  test('hold no wildcard action, and a right on every resource only where AWS has no finer one', () => {
    const statements = functions.flatMap((fn) => [...fn.statements, ...fn.runtime]);
    expect(statements.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual([]);
    const everywhere = statements.filter(({ resources }) => resources.includes('*')).flatMap(({ actions }) => actions);
    expect(everywhere.filter((action) => !action.startsWith('ec2:Describe'))).toEqual([]);
  });

  test('are run by Lambda with a log group of their own, and network interfaces in the VPC only', () => {
    for (const { name, properties, runtime } of functions) {
      const actions = runtime.flatMap((statement) => statement.actions);
      expect({ name, logs: actions.filter((action) => action.startsWith('logs:')) }).toEqual({
        name,
        logs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      });
      expect({ name, interfaces: actions.some((action) => interfaceAction.test(action)) }).toEqual({
        name,
        interfaces: 'VpcConfig' in properties,
      });
    }
  });

  test('that write to sockets or close them sit outside the VPC, where @connections can be reached', () => {
    const pushing = functions.filter(({ statements }) =>
      statements.some(({ actions }) => actions.includes('execute-api:ManageConnections')),
    );
    expect(pushing.map(({ name }) => name).sort()).toEqual(['HangUp', 'Notify']);
    for (const { properties } of pushing) expect(properties).not.toHaveProperty('VpcConfig');
  });

  test('sign in to the database as the user that fits their job', () => {
    const users = functions.filter(({ environment }) => 'DATABASE_USER' in environment);
    for (const { name, environment, statements } of users) {
      const user = name === 'Migrate' || name === 'Admin' ? 'tidemark_migrate' : 'tidemark_app';
      expect(environment.DATABASE_USER).toBe(user);
      const connect = statements.find(({ actions }) => actions.includes('rds-db:connect'));
      expect(JSON.stringify(connect?.resources)).toContain(`/${user}"`);
    }
  });
});
