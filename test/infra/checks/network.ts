import type { Resource } from '../../../local/types.ts';
import type { Placement } from '../../../local/vpc/groups.ts';
import { createNetwork, placementOf } from '../../../local/vpc/network.ts';
import type { Deployment } from '../deployment.ts';
import { provision } from './provision.ts';

/** What each function calls, and so has to reach. In the VPC are those that run SQL, and no other. */
export const calls: Record<string, readonly string[]> = {
  UploadInit: ['rds-db', 's3'],
  Save: ['lambda', 'rds-db', 's3'],
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
  Locate: ['rds-db', 's3'],
  Download: ['lambda', 'secretsmanager'],
  Devices: ['lambda', 'rds-db'],
  Ticket: ['dynamodb', 'rds-db'],
  Service: [],
  Fallback: [],
  Authorize: ['dynamodb'],
  Connect: ['dynamodb', 'execute-api'],
  Disconnect: ['dynamodb'],
  SocketMessage: ['dynamodb', 'execute-api'],
  Notify: ['dynamodb', 'execute-api'],
  HangUp: ['dynamodb', 'execute-api'],
  Gc: ['rds-db', 's3'],
  Admin: ['rds-db', 's3'],
  Relay: ['kafka-cluster', 'rds-db'],
  // Custom resources answer CloudFormation through a URL of S3.
  Migrate: ['rds-db', 's3'],
  DatabaseLogin: ['rds-data', 's3', 'secretsmanager'],
  Brokers: ['kafka', 's3'],
  EmptyBucket: ['s3'],
  ClientFiles: ['s3'],
  SigningKey: ['s3', 'secretsmanager'],
};

/** The network of a deployment: who sits where, and which of their calls it would not carry. */
export interface Wiring {
  readonly placements: ReadonlyMap<string, Placement | undefined>;
  /**
   * What stands in the way of any call of any function, and of the event pollers.
   * @param passes the resources that there are; all unless it is given
   */
  obstacles(passes?: (resource: Resource) => boolean): string[];
}

/** Walks subnets, routes, endpoints and security groups of the templates with every reference resolved. */
export async function wiringOf({ stacks, functions }: Deployment): Promise<Wiring> {
  const resources = await provision(stacks);
  const placements = new Map(
    functions.map(({ id, name }) => {
      const resource = resources.find((candidate) => `${candidate.stack}.${candidate.logicalId}` === id);
      const vpc = (resource?.properties.VpcConfig ?? {}) as { SubnetIds?: unknown; SecurityGroupIds?: unknown };
      return [name, placementOf(vpc.SubnetIds, vpc.SecurityGroupIds)] as const;
    }),
  );
  const onDemand = resources.some(
    ({ type, properties }) => type === 'AWS::Lambda::EventSourceMapping' && !properties.ProvisionedPollerConfig,
  );
  // Pollers on demand assume the role of their function and invoke it through endpoints; provisioned ones need none.
  const polling = onDemand ? ['kafka-cluster', 'lambda', 'sts'] : ['kafka-cluster'];
  return {
    placements,
    obstacles(passes = () => true) {
      const network = createNetwork(() => resources.filter(passes));
      const edges = [...placements].flatMap(([name, placement]) =>
        (calls[name] ?? []).map((service) => network.obstacle(name, placement, service)),
      );
      const polled = polling.map((service) => network.obstacle('the pollers', pollers(resources), service));
      return [...edges, ...polled].filter((obstacle) => obstacle !== undefined);
    },
  };
}

/** Lambda polls from the subnets and security groups of the brokers. */
function pollers(resources: readonly Resource[]): Placement | undefined {
  const { properties } = resources.find(({ type }) => type === 'AWS::MSK::Cluster')!;
  const { ClientSubnets, SecurityGroups } = properties.BrokerNodeGroupInfo as Record<string, unknown>;
  return placementOf(ClientSubnets, SecurityGroups);
}
