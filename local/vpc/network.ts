/* The VPC: whether subnets, endpoints and security groups of the templates let one thing reach another. */

import { BlockList } from 'node:net';
import { LocalError } from '../errors.ts';
import { isObject, texts } from '../json.ts';
import { REGION, type Resource } from '../types.ts';

/** Where something sits in the VPC. */
export interface Placement {
  readonly subnets: readonly string[];
  readonly groups: readonly string[];
}

interface Rule {
  readonly from: number;
  readonly to: number;
  readonly cidr: string | undefined;
  readonly group: string | undefined;
}

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
  const ofType = (type: string) => [...all()].filter((resource) => resource.type === type);

  const routeTable = (subnet: string): string | undefined =>
    ofType('AWS::EC2::SubnetRouteTableAssociation')
      .filter(({ properties }) => properties.SubnetId === subnet)
      .map(({ properties }) => String(properties.RouteTableId))[0];

  const hasNat = (subnet: string): boolean =>
    ofType('AWS::EC2::Route').some(
      ({ properties }) =>
        properties.RouteTableId === routeTable(subnet) &&
        properties.DestinationCidrBlock === '0.0.0.0/0' &&
        properties.NatGatewayId !== undefined,
    );

  const rules = (group: string, direction: 'Ingress' | 'Egress'): Rule[] => {
    const own = ofType('AWS::EC2::SecurityGroup').filter(({ attributes }) => attributes.GroupId === group);
    const inline = own.flatMap(({ properties }) => [properties[`SecurityGroup${direction}`] ?? []].flat());
    const apart = ofType(`AWS::EC2::SecurityGroup${direction}`).map(({ properties }) => properties);
    const listed = [...inline, ...apart.filter((rule) => rule.GroupId === group)].filter(isObject);
    // A security group without any egress rule of its own gets AWS' default: everything may leave.
    if (direction === 'Egress' && listed.length === 0)
      return [{ from: 0, to: 65_535, cidr: '0.0.0.0/0', group: undefined }];
    return listed.map((rule) => {
      const any = String(rule.IpProtocol) === '-1';
      const peer = rule[direction === 'Ingress' ? 'SourceSecurityGroupId' : 'DestinationSecurityGroupId'];
      return {
        from: any ? 0 : Number(rule.FromPort ?? 0),
        to: any ? 65_535 : Number(rule.ToPort ?? 65_535),
        cidr: rule.CidrIp === undefined ? undefined : String(rule.CidrIp),
        group: peer === undefined ? undefined : String(peer),
      };
    });
  };

  const covers = (cidr: string, { subnets }: Placement): boolean => {
    const [base = '', bits = '32'] = cidr.split('/');
    const list = new BlockList();
    list.addSubnet(base, Number(bits), 'ipv4');
    const blocks = ofType('AWS::EC2::Subnet').filter(({ ref }) => subnets.includes(ref));
    return blocks.every(({ properties }) => list.check(String(properties.CidrBlock).split('/')[0] ?? ''));
  };

  const permits = (holder: Placement, direction: 'Ingress' | 'Egress', peer: Placement, port: number): boolean =>
    holder.groups
      .flatMap((group) => rules(group, direction))
      .some(
        ({ from, to, cidr, group }) =>
          from <= port &&
          port <= to &&
          (group ? peer.groups.includes(group) : cidr !== undefined && covers(cidr, peer)),
      );

  const connects = (from: Placement, to: Placement, port: number): boolean =>
    permits(from, 'Egress', to, port) && permits(to, 'Ingress', from, port);

  const endpoints = (service: string) =>
    ofType('AWS::EC2::VPCEndpoint').filter(({ properties }) =>
      String(properties.ServiceName).endsWith(`.${REGION}.${service}`),
    );

  const databaseTargets = (type: string): Target[] =>
    ofType(type).map(({ properties, attributes }) => ({
      placement: { subnets: texts(properties.VpcSubnetIds), groups: texts(properties.VpcSecurityGroupIds) },
      // Rules written with GetAtt Endpoint.Port carry the local front's port, others PostgreSQL's own.
      ports: [Number(attributes['Endpoint.Port'] ?? properties.Port ?? POSTGRESQL), POSTGRESQL],
    }));

  /** Every cluster can be reached: through its proxy where there are proxies, which have to reach the clusters. */
  const reachesDatabases = (from: Placement): boolean => {
    const clusters = databaseTargets('AWS::RDS::DBCluster');
    const proxies = databaseTargets('AWS::RDS::DBProxy');
    const fronts = proxies.length > 0 ? proxies : clusters;
    const behind = (cluster: Target) => proxies.some(({ placement }) => admits(placement, cluster));
    return (
      fronts.length > 0 &&
      fronts.every((front) => admits(from, front)) &&
      (proxies.length === 0 || clusters.every(behind))
    );
  };

  const brokers = (): Target[] =>
    ofType('AWS::MSK::Cluster').flatMap(({ properties }) => {
      const nodes = properties.BrokerNodeGroupInfo;
      const placement = isObject(nodes) ? placementOf(nodes.ClientSubnets, nodes.SecurityGroups) : undefined;
      return placement ? [{ placement, ports: [KAFKA_IAM] }] : [];
    });

  const admits = (from: Placement, { placement, ports }: Target): boolean =>
    ports.some((port) => connects(from, placement, port));

  const reachesBrokers = (from: Placement): boolean => brokers().some((broker) => admits(from, broker));

  const privateObstacle = (
    name: string,
    from: Placement | undefined,
    what: string,
    reaches: (from: Placement) => boolean,
  ) => {
    if (!from) return `network: ${name} (outside the VPC) has no route to ${what}: give it the VPC's subnets in lib/`;
    if (reaches(from)) return undefined;
    return `network: ${name} (in the VPC) may not connect to ${what}: allow it between their security groups in lib/`;
  };

  return {
    obstacle(name, placement, service) {
      if (service === 'rds-db') return privateObstacle(name, placement, 'the database', reachesDatabases);
      if (service === 'kafka-cluster') return privateObstacle(name, placement, 'the brokers', reachesBrokers);
      if (!placement || placement.subnets.every(hasNat)) return undefined;
      const found = endpoints(service);
      const gateways = found.filter(({ properties }) => (properties.VpcEndpointType ?? 'Gateway') === 'Gateway');
      const tables = new Set(gateways.flatMap(({ properties }) => texts(properties.RouteTableIds)));
      if (gateways.length > 0 && placement.subnets.every((subnet) => tables.has(routeTable(subnet) ?? '')))
        return undefined;
      const interfaces = found.filter(({ properties }) => properties.VpcEndpointType === 'Interface');
      // An interface endpoint for execute-api carries private REST APIs only, never a WebSocket API's @connections.
      const usable = interfaces.filter(
        ({ properties }) => properties.PrivateDnsEnabled !== false && service !== 'execute-api',
      );
      const reachable = ({ properties }: Resource) => {
        const target = placementOf(properties.SubnetIds, properties.SecurityGroupIds);
        return target !== undefined && connects(placement, target, HTTPS);
      };
      if (usable.some(reachable)) return undefined;
      const remedy =
        usable.length > 0
          ? `its endpoint's security group must admit it on port ${HTTPS}`
          : service === 'execute-api'
            ? 'take it out of the VPC'
            : `add ${service === 's3' || service === 'dynamodb' ? 'a gateway' : 'an interface'} endpoint in lib/stacks/network-stack.ts`;
      return `network: ${name} (in the VPC) has no route to ${service}: ${remedy}`;
    },
  };
}

/** Throws Unreachable with the obstacle's sentence. */
export function demandRoute(obstacle: string | undefined): void {
  if (obstacle !== undefined) throw new LocalError('Unreachable', obstacle, 403);
}
