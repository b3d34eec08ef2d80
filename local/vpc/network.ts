/* The VPC: whether subnets, endpoints and security groups of the templates let one thing reach another. */

import { LocalError } from '../errors.ts';
import { isObject, texts } from '../json.ts';
import { REGION, type Resource } from '../types.ts';
import { connects, type OfType, type Placement } from './groups.ts';

/** Something that listens in the VPC; any of the ports will do. */
interface Target {
  readonly placement: Placement;
  readonly ports: readonly number[];
}

const HTTPS = 443;
const POSTGRESQL = 5432;
/** MSK's listener for SASL/IAM. */
const KAFKA_IAM = 9098;

export interface Network {
  /** Why `name`, placed there (undefined: outside the VPC), cannot reach the service; undefined if it can. */
  obstacle(name: string, placement: Placement | undefined, service: string): string | undefined;
}

/** The placement in properties such as a function's VpcConfig; undefined where they name no subnet. */
export function placementOf(subnets: unknown, groups: unknown): Placement | undefined {
  const names = texts(subnets);
  return names.length > 0 ? { subnets: names, groups: texts(groups) } : undefined;
}

/** Reads subnets, route tables, endpoints and security groups as `all` has them when a question is asked. */
export function createNetwork(all: () => Iterable<Resource>): Network {
  const ofType: OfType = (type) => [...all()].filter((resource) => resource.type === type);
  return {
    obstacle(name, placement, service) {
      if (service === 'rds-db') {
        const reaches = placement && reachesDatabases(ofType, placement);
        return privateObstacle(name, 'the database', reaches);
      }
      if (service === 'kafka-cluster') {
        const reaches = placement && brokers(ofType).some((broker) => admits(ofType, placement, broker));
        return privateObstacle(name, 'the brokers', reaches);
      }
      return placement && awsObstacle(ofType, name, placement, service);
    },
  };
}

/** Throws Unreachable with the obstacle's sentence. */
export function demandRoute(obstacle: string | undefined): void {
  if (obstacle !== undefined) throw new LocalError('Unreachable', obstacle, 403);
}

/** `reaches` is undefined for what is outside the VPC. */
function privateObstacle(name: string, what: string, reaches: boolean | undefined): string | undefined {
  if (reaches === undefined)
    return `network: ${name} (outside the VPC) has no route to ${what}: give it the VPC's subnets in lib/`;
  if (reaches) return undefined;
  return `network: ${name} (in the VPC) may not connect to ${what}: allow it between their security groups in lib/`;
}

function awsObstacle(ofType: OfType, name: string, placement: Placement, service: string): string | undefined {
  if (placement.subnets.every((subnet) => hasNat(ofType, subnet))) return undefined;
  const found = ofType('AWS::EC2::VPCEndpoint').filter(({ properties }) =>
    String(properties.ServiceName).endsWith(`.${REGION}.${service}`),
  );
  const gateways = found.filter(({ properties }) => (properties.VpcEndpointType ?? 'Gateway') === 'Gateway');
  const tables = new Set(gateways.flatMap(({ properties }) => texts(properties.RouteTableIds)));
  if (gateways.length > 0 && placement.subnets.every((subnet) => tables.has(routeTable(ofType, subnet) ?? '')))
    return undefined;
  const interfaces = found.filter(({ properties }) => properties.VpcEndpointType === 'Interface');
  // An interface endpoint for execute-api carries private REST APIs only, never a WebSocket API's @connections.
  const usable = interfaces.filter(
    ({ properties }) => properties.PrivateDnsEnabled !== false && service !== 'execute-api',
  );
  const reachable = ({ properties }: Resource) => {
    const target = placementOf(properties.SubnetIds, properties.SecurityGroupIds);
    return target !== undefined && connects(ofType, placement, target, HTTPS);
  };
  if (usable.some(reachable)) return undefined;
  return `network: ${name} (in the VPC) has no route to ${service}: ${remedy(service, usable.length > 0)}`;
}

function remedy(service: string, hasEndpoint: boolean): string {
  if (hasEndpoint) return `its endpoint's security group must admit it on port ${HTTPS}`;
  if (service === 'execute-api') return 'take it out of the VPC';
  const kind = service === 's3' || service === 'dynamodb' ? 'a gateway' : 'an interface';
  return `add ${kind} endpoint in lib/stacks/network-stack.ts`;
}

function routeTable(ofType: OfType, subnet: string): string | undefined {
  return ofType('AWS::EC2::SubnetRouteTableAssociation')
    .filter(({ properties }) => properties.SubnetId === subnet)
    .map(({ properties }) => String(properties.RouteTableId))[0];
}

function hasNat(ofType: OfType, subnet: string): boolean {
  return ofType('AWS::EC2::Route').some(
    ({ properties }) =>
      properties.RouteTableId === routeTable(ofType, subnet) &&
      properties.DestinationCidrBlock === '0.0.0.0/0' &&
      properties.NatGatewayId !== undefined,
  );
}

/** Every cluster can be reached: through its proxy where there are proxies, which have to reach the clusters. */
function reachesDatabases(ofType: OfType, from: Placement): boolean {
  const clusters = databaseTargets(ofType, 'AWS::RDS::DBCluster');
  const proxies = databaseTargets(ofType, 'AWS::RDS::DBProxy');
  const fronts = proxies.length > 0 ? proxies : clusters;
  const behind = (cluster: Target) => proxies.some(({ placement }) => admits(ofType, placement, cluster));
  return (
    fronts.length > 0 &&
    fronts.every((front) => admits(ofType, from, front)) &&
    (proxies.length === 0 || clusters.every(behind))
  );
}

function databaseTargets(ofType: OfType, type: string): Target[] {
  return ofType(type).map(({ properties, attributes }) => ({
    placement: { subnets: texts(properties.VpcSubnetIds), groups: texts(properties.VpcSecurityGroupIds) },
    // Rules written with GetAtt Endpoint.Port carry the local front's port, others PostgreSQL's own.
    ports: [Number(attributes['Endpoint.Port'] ?? properties.Port ?? POSTGRESQL), POSTGRESQL],
  }));
}

function brokers(ofType: OfType): Target[] {
  return ofType('AWS::MSK::Cluster').flatMap(({ properties }) => {
    const nodes = properties.BrokerNodeGroupInfo;
    const placement = isObject(nodes) ? placementOf(nodes.ClientSubnets, nodes.SecurityGroups) : undefined;
    return placement ? [{ placement, ports: [KAFKA_IAM] }] : [];
  });
}

function admits(ofType: OfType, from: Placement, { placement, ports }: Target): boolean {
  return ports.some((port) => connects(ofType, from, placement, port));
}
