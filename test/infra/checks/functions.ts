import type { Deployment, LambdaFunction } from '../deployment.ts';

const common = ['NODE_OPTIONS', 'POWERTOOLS_LOG_LEVEL', 'POWERTOOLS_SERVICE_NAME'];
/** What Lambda traces each function with. */
const commonActions = ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'];
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

/** Every function: what it gets and what it may do, and nothing else. */
const always: Record<string, Expected> = {
  UploadInit: inVpc(512, 15, ['BLOCK_BUCKET', 'DEDUP_SCOPE', 'QUOTA_BYTES'], ['s3:PutObject']),
  Save: inVpc(
    1024,
    29,
    ['BLOCK_BUCKET', 'QUOTA_BYTES', 'RELAY_FUNCTION'],
    ['lambda:InvokeFunction', 's3:GetObject', 's3:ListBucket', 's3:PutObject'],
  ),
  Prove: inVpc(1024, 29, ['BLOCK_BUCKET'], ['s3:GetObject', 's3:ListBucket']),
  DeltaApply: inVpc(1769, 29, ['BLOCK_BUCKET'], ['s3:GetObject', 's3:ListBucket', 's3:PutObject']),
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
  Tree: inVpc(1024, 29, [], []),
  History: inVpc(512, 15, [], []),
  Devices: inVpc(256, 15, ['HANG_UP_FUNCTION'], ['lambda:InvokeFunction']),
  Ticket: inVpc(256, 15, ['TICKETS_TABLE'], ['dynamodb:PutItem']),
  Locate: inVpc(512, 10, ['BLOCK_BUCKET', 'DEDUP_SCOPE'], ['s3:GetObject', 's3:ListBucket']),
  Download: outside(
    256,
    15,
    ['CDN_DOMAIN', 'CDN_KEY_PAIR_ID', 'CDN_KEY_SECRET', 'LOCATE_FUNCTION'],
    ['lambda:InvokeFunction', readSecret],
  ),
  Service: outside(128, 5, ['API_URL', 'AUTH_CLIENT_ID', 'AUTH_PROVIDER_URL', 'SOCKET_URL'], []),
  Fallback: outside(128, 5, [], []),
  Authorize: outside(128, 5, ['TICKETS_TABLE'], ['dynamodb:DeleteItem']),
  Connect: outside(
    128,
    5,
    ['CONNECTIONS_TABLE', 'SOCKET_CALLBACK_URL'],
    ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'execute-api:ManageConnections'],
  ),
  Disconnect: outside(128, 5, ['CONNECTIONS_TABLE'], ['dynamodb:DeleteItem']),
  SocketMessage: outside(
    128,
    5,
    ['CONNECTIONS_TABLE', 'SOCKET_CALLBACK_URL'],
    ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:Query', 'execute-api:ManageConnections'],
  ),
  Notify: outside(
    1024,
    30,
    ['CONNECTIONS_TABLE', 'SOCKET_CALLBACK_URL'],
    [
      'dynamodb:DeleteItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      'execute-api:ManageConnections',
      ...consume,
      ...interfaces,
    ],
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
    [
      's3:DeleteObjectVersion',
      's3:GetObject',
      's3:ListBucket',
      's3:ListBucketVersions',
      's3:PutObject',
      'sqs:SendMessage',
      ...consume,
    ],
  ),
  Admin: inVpc(1024, 300, ['BLOCK_BUCKET', 'USER_POOL_ID'], ['s3:GetObject', 's3:ListBucket', 's3:ListBucketVersions']),
  Relay: inVpc(
    256,
    60,
    ['STREAM_BROKERS', 'STREAM_TOPIC'],
    [
      'kafka-cluster:Connect',
      'kafka-cluster:DescribeTopic',
      'kafka-cluster:WriteData',
      'kafka-cluster:WriteDataIdempotently',
    ],
  ),
  Migrate: inVpc(512, 840, [], []),
  DatabaseLogin: outside(256, 120, ['DATABASE_NAME'], ['rds-data:ExecuteStatement', readSecret]),
  Brokers: outside(256, 120, [], ['kafka:GetBootstrapBrokers']),
  EmptyBucket: outside(256, 840, [], []),
  ClientFiles: outside(256, 300, [], []),
  SigningKey: outside(256, 60, ['CDN_KEY_SECRET'], ['secretsmanager:PutSecretValue', readSecret]),
};

/** Where the buckets are deleted with their stack. */
const emptying = outside(256, 840, [], ['s3:DeleteObjectVersion', 's3:ListBucketVersions']);

/** What a function has and should not have, or should have and has not. */
export function functionProblems({ functions, resources }: Deployment): string[] {
  const goes = resources('AWS::S3::Bucket').some(({ deletionPolicy }) => deletionPolicy === 'Delete');
  const names = functions.map(({ name }) => name);
  const expected: Record<string, Expected> = { ...always, ...(goes && { EmptyBucket: emptying }) };
  const absent = functionNames.filter((name) => !names.includes(name));
  return [
    ...absent.map((name) => `${name} is not deployed`),
    ...functions.flatMap((fn) => problemsOf(fn, expected[fn.name])),
  ];
}

/** Construct ids of all functions. */
export const functionNames: readonly string[] = Object.keys(always);

function problemsOf(
  { name, properties, environment, statements }: LambdaFunction,
  wanted: Expected | undefined,
): string[] {
  if (!wanted) return [`${name} is deployed, and no row of test/infra/checks/functions.ts says what it may do`];
  const problems: string[] = [];
  const place = (inVpc: boolean): string => (inVpc ? 'in the VPC' : 'outside the VPC');
  const inVpc = 'VpcConfig' in properties;
  if (inVpc !== wanted.inVpc) problems.push(`is ${place(inVpc)} and has to be ${place(wanted.inVpc)}`);
  for (const [what, is, should] of [
    ['MB of memory', properties.MemorySize, wanted.memory],
    ['s of time', properties.Timeout, wanted.timeout],
    ['as its runtime', properties.Runtime, 'nodejs24.x'],
    ['as its architecture', String(properties.Architectures), 'arm64'],
  ]) {
    if (is !== should) problems.push(`has ${is} ${what} instead of ${should}`);
  }
  const actions = new Set(statements.flatMap((statement) => statement.actions));
  return [
    ...problems,
    ...differences('variable', Object.keys(environment), [...common, ...wanted.environment]),
    ...differences('right', [...actions], [...commonActions, ...wanted.actions]),
  ].map((problem) => `${name} ${problem}`);
}

function differences(kind: string, is: readonly string[], should: readonly string[]): string[] {
  return [
    ...should.filter((one) => !is.includes(one)).map((one) => `lacks the ${kind} ${one}, which its code uses`),
    ...is.filter((one) => !should.includes(one)).map((one) => `has the ${kind} ${one}, which its code does not use`),
  ];
}
