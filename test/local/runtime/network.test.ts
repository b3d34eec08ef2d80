import { describe, expect, test } from 'vitest';
import type { Resource } from '../../../local/types.ts';
import { createNetwork } from '../../../local/vpc/network.ts';

const resource = (type: string, ref: string, properties: object = {}, attributes: object = {}): Resource =>
  ({ type: `AWS::${type}`, logicalId: ref, stack: 'S', physicalName: ref, ref, properties, attributes }) as Resource;

const group = (id: string, SecurityGroupIngress: object[] = []) =>
  resource('EC2::SecurityGroup', id, { SecurityGroupIngress }, { GroupId: id });
const ingress = (GroupId: string, SourceSecurityGroupId: string, port: number) =>
  resource('EC2::SecurityGroupIngress', `${GroupId}-${port}`, {
    GroupId,
    SourceSecurityGroupId,
    IpProtocol: 'tcp',
    FromPort: port,
    ToPort: port,
  });

const base = [
  resource('EC2::Subnet', 'subnet', { CidrBlock: '10.0.0.0/20' }),
  resource('EC2::SubnetRouteTableAssociation', 'association', { SubnetId: 'subnet', RouteTableId: 'table' }),
  group('functions'),
];
const placement = { subnets: ['subnet'], groups: ['functions'] };
const obstacle = (more: Resource[], service: string, where: typeof placement | undefined = placement) =>
  createNetwork(() => [...base, ...more]).obstacle('Finalize', where, service);

const endpoint = (service: string, properties: object) =>
  resource('EC2::VPCEndpoint', service, { ServiceName: `com.amazonaws.us-east-1.${service}`, ...properties });
const lambda = endpoint('lambda', {
  VpcEndpointType: 'Interface',
  PrivateDnsEnabled: true,
  SubnetIds: ['subnet'],
  SecurityGroupIds: ['endpoint'],
});

describe('AWS services', () => {
  test('a function outside the VPC reaches them all', () => {
    expect(createNetwork(() => base).obstacle('Notify', undefined, 'execute-api')).toBeUndefined();
  });

  test('one inside needs an endpoint, and is told where to add it', () => {
    expect(obstacle([], 'lambda')).toBe(
      'network: Finalize (in the VPC) has no route to lambda: add an interface endpoint in lib/stacks/network-stack.ts',
    );
    expect(obstacle([], 's3')).toContain('add a gateway endpoint');
  });

  test('a gateway endpoint counts for the route tables that it names', () => {
    expect(obstacle([endpoint('s3', { VpcEndpointType: 'Gateway', RouteTableIds: ['table'] })], 's3')).toBeUndefined();
    expect(obstacle([endpoint('s3', { VpcEndpointType: 'Gateway', RouteTableIds: ['other'] })], 's3')).toBeDefined();
  });

  test('an interface endpoint admits by its security group, by group or by address range', () => {
    const byRange = (CidrIp: string) => group('endpoint', [{ CidrIp, IpProtocol: 'tcp', FromPort: 443, ToPort: 443 }]);
    expect(obstacle([lambda, byRange('10.0.0.0/16')], 'lambda')).toBeUndefined();
    expect(obstacle([lambda, byRange('10.1.0.0/16')], 'lambda')).toContain('must admit it on port 443');
    expect(obstacle([lambda, group('endpoint'), ingress('endpoint', 'functions', 443)], 'lambda')).toBeUndefined();
  });

  test('a NAT gateway leads everywhere', () => {
    const route = { RouteTableId: 'table', DestinationCidrBlock: '0.0.0.0/0', NatGatewayId: 'nat' };
    expect(obstacle([resource('EC2::Route', 'route', route)], 'execute-api')).toBeUndefined();
  });

  test('no endpoint carries @connections', () => {
    expect(obstacle([], 'execute-api')).toContain('take it out of the VPC');
  });
});

describe('database and brokers', () => {
  const cluster = resource('RDS::DBCluster', 'cluster', { VpcSecurityGroupIds: ['db'] }, { 'Endpoint.Port': 4405 });
  const proxy = resource('RDS::DBProxy', 'proxy', { VpcSecurityGroupIds: ['proxy'], VpcSubnetIds: ['subnet'] });

  test('need membership of the VPC and a rule for the port', () => {
    const open = [cluster, group('db'), ingress('db', 'functions', 4405)];
    expect(obstacle(open, 'rds-db')).toBeUndefined();
    expect(createNetwork(() => [...base, ...open]).obstacle('Notify', undefined, 'rds-db')).toContain(
      'outside the VPC',
    );
    expect(obstacle([cluster, group('db')], 'rds-db')).toContain('allow it between their security groups');
    expect(obstacle([cluster, group('db'), ingress('db', 'functions', 22)], 'rds-db')).toBeDefined();
  });

  test('through the proxy where there is one, and on to the cluster', () => {
    const all = [cluster, proxy, group('db'), group('proxy'), ingress('proxy', 'functions', 5432)];
    expect(obstacle(all, 'rds-db')).toBeDefined();
    expect(obstacle([...all, ingress('db', 'proxy', 4405)], 'rds-db')).toBeUndefined();
  });

  test('brokers listen on the port of SASL/IAM', () => {
    const nodes = { BrokerNodeGroupInfo: { ClientSubnets: ['subnet'], SecurityGroups: ['kafka'] } };
    const brokers = [resource('MSK::Cluster', 'kafka', nodes), group('kafka')];
    expect(obstacle(brokers, 'kafka-cluster')).toContain('may not connect to the brokers');
    expect(obstacle([...brokers, ingress('kafka', 'functions', 9098)], 'kafka-cluster')).toBeUndefined();
  });
});
