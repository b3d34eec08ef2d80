import { profileNames } from '../../lib/profiles/profiles.ts';
import type { Resource } from '../../local/types.ts';
import { calls, type Wiring, wiringOf } from './checks/network.ts';
import { deploymentOf } from './deployment.ts';

/** Done with the function's role by Lambda itself: pollers read, failed events and traces are sent, interfaces are plugged in. */
const byLambda = /^(ec2:|xray:|sqs:SendMessage$|kafka-cluster:(ReadData|DescribeGroup|AlterGroup)$)/;

describe.each(profileNames)('network of the profile %s', (profile) => {
  const { functions } = deploymentOf(profile);
  let wiring: Wiring;
  beforeAll(async () => {
    wiring = await wiringOf(deploymentOf(profile));
  });

  test('carries every call of every function, and of the pollers', () => {
    expect(wiring.obstacles()).toEqual([]);
  });

  test('is asked for exactly what the roles allow', () => {
    const consumers = new Set(['Notify', 'Gc']);
    for (const { name, statements } of functions) {
      const own = statements
        .flatMap(({ actions }) => actions)
        .filter((action) => !byLambda.test(action) && !(consumers.has(name) && action.startsWith('kafka')));
      const services = new Set(own.map((action) => action.split(':')[0]));
      const custom = ['Migrate', 'DatabaseLogin', 'Brokers', 'EmptyBucket', 'ClientFiles', 'SigningKey'].includes(name);
      expect({ name, services: [...new Set([...services, ...(custom ? ['s3'] : [])])].sort() }).toEqual({
        name,
        services: calls[name],
      });
    }
  });

  test('holds the functions that run SQL, and no other', () => {
    for (const [name, placement] of wiring.placements) {
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
    expect(wiring.obstacles((resource) => !left(resource)).join('\n')).toMatch(message);
  });
});
