import { profileNames } from '../../lib/profiles.ts';
import { createNetwork, type Placement, placementOf, type Resource } from '../../local/network.ts';
import { deploymentOf } from './deployment.ts';
import { provision } from './provision.ts';

/** What each function calls, and so has to reach. In the VPC are those that run SQL, and no other. */
const calls: Record<string, readonly string[]> = {
  UploadInit: ['rds-db', 's3'],
  Prove: ['rds-db', 's3'],
  DeltaApply: ['rds-db', 's3'],
  Finalize: ['lambda', 'rds-db', 's3'],
  Heal: ['rds-db', 's3'],
  Delete: ['lambda', 'rds-db'],
  Move: ['lambda', 'rds-db'],
  Restore: ['lambda', 'rds-db'],
  Changes: ['rds-db'],
  Compare: ['rds-db'],
  Tree: ['rds-db'],
  History: ['rds-db'],
  Locate: ['rds-db'],
  Download: ['lambda', 'secretsmanager'],
  Devices: ['lambda', 'rds-db'],
  Ticket: ['dynamodb', 'rds-db'],
  Service: [],
  Fallback: [],
  Authorize: ['dynamodb'],
  Connect: ['dynamodb'],
  Disconnect: ['dynamodb'],
  SocketMessage: [],
  Notify: ['dynamodb', 'execute-api'],
  HangUp: ['dynamodb', 'execute-api'],
  Gc: ['rds-db', 's3'],
  Admin: ['rds-db', 's3'],
  Relay: ['kafka-cluster', 'rds-db'],
  // Custom resources answer CloudFormation through a URL of S3.
  Migrate: ['rds-db', 's3'],
  DatabaseLogin: ['rds-data', 's3', 'secretsmanager'],
  Brokers: ['kafka', 's3'],
  SigningKey: ['s3', 'secretsmanager'],
};

/** Done with the function's role by Lambda itself: pollers read, failed events are sent, interfaces are plugged in. */
const byLambda = /^(ec2:|sqs:SendMessage$|kafka-cluster:(ReadData|DescribeGroup|AlterGroup)$)/;

describe.each(profileNames)('network of the profile %s', (profile) => {
  const { functions, stacks } = deploymentOf(profile);
  let resources: Resource[];
  beforeAll(async () => {
    resources = await provision(stacks);
  });

  const placements = (): Map<string, Placement | undefined> =>
    new Map(
      functions.map(({ id, name }) => {
        const resource = resources.find((candidate) => `${candidate.stack}.${candidate.logicalId}` === id);
        const vpc = (resource?.properties.VpcConfig ?? {}) as { SubnetIds?: unknown; SecurityGroupIds?: unknown };
        return [name, placementOf(vpc.SubnetIds, vpc.SecurityGroupIds)];
      }),
    );

  const pollers = (): Placement => {
    const { properties } = resources.find(({ type }) => type === 'AWS::MSK::Cluster')!;
    const { ClientSubnets, SecurityGroups } = properties.BrokerNodeGroupInfo as Record<string, unknown>;
    return placementOf(ClientSubnets, SecurityGroups)!;
  };

  /** What stands in the way of any call, when the network has only the resources that pass. */
  const obstacles = (passes: (resource: Resource) => boolean = () => true): string[] => {
    const network = createNetwork(() => resources.filter(passes));
    const edges = [...placements()].flatMap(([name, placement]) =>
      calls[name]!.map((service) => network.obstacle(name, placement, service)),
    );
    const polling = profile === 'internet' ? ['kafka-cluster'] : ['kafka-cluster', 'lambda', 'sts'];
    const polled = polling.map((service) => network.obstacle('the pollers', pollers(), service));
    return [...edges, ...polled].filter((obstacle) => obstacle !== undefined);
  };

  test('carries every call of every function, and of the pollers', () => {
    expect(obstacles()).toEqual([]);
  });

  test('is asked for exactly what the roles allow', () => {
    const consumers = new Set(['Notify', 'Gc']);
    for (const { name, statements } of functions) {
      const own = statements
        .flatMap(({ actions }) => actions)
        .filter((action) => !byLambda.test(action) && !(consumers.has(name) && action.startsWith('kafka')));
      const services = new Set(own.map((action) => action.split(':')[0]));
      const custom = ['Migrate', 'DatabaseLogin', 'Brokers', 'SigningKey'].includes(name);
      expect({ name, services: [...services, ...(custom ? ['s3'] : [])].sort() }).toEqual({
        name,
        services: calls[name],
      });
    }
  });

  test('holds the functions that run SQL, and no other', () => {
    for (const [name, placement] of placements()) {
      expect({ name, inVpc: placement !== undefined }).toEqual({ name, inVpc: calls[name]!.includes('rds-db') });
    }
  });

  const endpoint =
    (service: string) =>
    ({ type, properties }: Resource) =>
      type === 'AWS::EC2::VPCEndpoint' && String(properties.ServiceName).endsWith(`.${service}`);

  test.each([
    ['the S3 endpoint', endpoint('s3'), /DeltaApply .* no route to s3: add a gateway endpoint/],
    ['the DynamoDB endpoint', endpoint('dynamodb'), /Ticket .* no route to dynamodb: add a gateway endpoint/],
    ['the Lambda endpoint', endpoint('lambda'), /Finalize .* no route to lambda: add an interface endpoint/],
    [
      'the rule that opens the endpoints to functions',
      ({ properties }: Resource) => properties.Description === 'Functions wake relay',
      /Finalize .* no route to lambda: its endpoint's security group must admit it on port 443/,
    ],
    [
      'the rule that opens the database',
      ({ properties }: Resource) => properties.Description === 'Functions that run SQL',
      /Finalize .* may not connect to the database: allow it between their security groups/,
    ],
    [
      'the rule that opens the brokers to relay',
      ({ properties }: Resource) => properties.Description === 'The function that publishes',
      /Relay .* may not connect to the brokers: allow it between their security groups/,
    ],
    [
      'the rule that opens the brokers to pollers',
      ({ properties }: Resource) => properties.Description === 'Event pollers run in the group of the cluster',
      /the pollers .* may not connect to the brokers/,
    ],
    [
      'the association of subnets with their route tables',
      ({ type }: Resource) => type === 'AWS::EC2::SubnetRouteTableAssociation',
      /DeltaApply .* no route to s3/,
    ],
  ])('would not carry them without %s, and says so', (_, left, message) => {
    expect(obstacles((resource) => !left(resource)).join('\n')).toMatch(message);
  });
});
