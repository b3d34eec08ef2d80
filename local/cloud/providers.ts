import { createHash } from 'node:crypto';
import { LocalError } from '../errors.ts';
import type { ApiPorts } from '../gateway/start.ts';
import { functionArn } from '../lambda/definition.ts';
import { ACCOUNT, type Provider, REGION, type ResourceContext } from '../types.ts';

/** A stable id such as `vpc-0123456789abcdef0` for what AWS would number. */
function generatedId(prefix: string, { stack, logicalId }: ResourceContext, length = 17): string {
  const digest = createHash('sha256').update(`${stack}/${logicalId}`).digest('hex');
  return `${prefix}-${digest.slice(0, length)}`;
}

/** API Gateway's ids: ten characters without a prefix. */
function apiPartId({ stack, logicalId }: ResourceContext): string {
  const digest = createHash('sha256').update(`${stack}/${logicalId}`).digest('hex');
  return BigInt(`0x${digest.slice(0, 16)}`)
    .toString(36)
    .padStart(10, '0')
    .slice(0, 10);
}

function numbered(prefix: string, attribute?: string): Provider {
  return (resource) => {
    const id = generatedId(prefix, resource);
    return { ref: id, attributes: { Id: id, ...(attribute && { [attribute]: id }) } };
  };
}

const named: Provider = (resource) => {
  const { LogGroupName, Name } = resource.properties;
  const name = String(LogGroupName ?? Name ?? resource.physicalName);
  return { ref: name, attributes: { Arn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${name}:*` } };
};

const NETWORK: Readonly<Record<string, Provider>> = {
  'AWS::EC2::VPC': (resource) => {
    const id = generatedId('vpc', resource);
    return { ref: id, attributes: { VpcId: id, CidrBlock: String(resource.properties.CidrBlock) } };
  },
  'AWS::EC2::Subnet': (resource) => {
    const id = generatedId('subnet', resource);
    const { AvailabilityZone: zone, CidrBlock: cidr } = resource.properties;
    return { ref: id, attributes: { SubnetId: id, AvailabilityZone: String(zone), CidrBlock: String(cidr) } };
  },
  'AWS::EC2::RouteTable': numbered('rtb', 'RouteTableId'),
  'AWS::EC2::SubnetRouteTableAssociation': numbered('rtbassoc'),
  'AWS::EC2::Route': numbered('r'),
  'AWS::EC2::SecurityGroup': (resource) => {
    const id = generatedId('sg', resource);
    return { ref: id, attributes: { GroupId: id, Id: id, VpcId: String(resource.properties.VpcId) } };
  },
  'AWS::EC2::SecurityGroupIngress': numbered('sgr'),
  'AWS::EC2::SecurityGroupEgress': numbered('sgr'),
  'AWS::EC2::VPCEndpoint': numbered('vpce'),
  'AWS::EC2::InternetGateway': numbered('igw', 'InternetGatewayId'),
  'AWS::EC2::VPCGatewayAttachment': numbered('igw-attach'),
  'AWS::EC2::NatGateway': numbered('nat', 'NatGatewayId'),
  'AWS::EC2::EIP': numbered('eipalloc', 'AllocationId'),
};

/** Types that mean something to AWS' operation only: their names resolve, nothing runs. */
const PASSIVE = [
  'AWS::Logs::LogGroup',
  'AWS::Logs::MetricFilter',
  'AWS::Logs::QueryDefinition',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::SNS::TopicPolicy',
  'AWS::SNS::Subscription',
  'AWS::SQS::QueuePolicy',
  'AWS::Budgets::Budget',
  'AWS::EC2::FlowLog',
  'AWS::CDK::Metadata',
];

const GATEWAY = ['Integration', 'Route', 'Authorizer', 'RouteResponse', 'IntegrationResponse', 'Deployment'];

function apiProvider(ports: ApiPorts): Provider {
  const taken = new Map<string, string>();
  return (resource) => {
    const protocol = resource.properties.ProtocolType === 'WEBSOCKET' ? 'WEBSOCKET' : 'HTTP';
    const other = taken.get(protocol);
    if (other) {
      throw new LocalError(
        'Template',
        `${resource.logicalId}: the local cloud runs one ${protocol} API, and ${other} is it`,
      );
    }
    taken.set(protocol, resource.logicalId);
    const id = apiPartId(resource);
    const scheme = protocol === 'HTTP' ? 'https' : 'wss';
    return { ref: id, attributes: { ApiId: id, ApiEndpoint: `${scheme}://127.0.0.1:${ports[protocol]}` } };
  };
}

/** The providers of all types that the runtime itself runs or passes over; functions and roles are the cloud's. */
export function runtimeProviders(ports: ApiPorts): Record<string, Provider> {
  const gatewayPart: Provider = (resource) => {
    const id = apiPartId(resource);
    return { ref: id, attributes: { AuthorizerId: id, IntegrationId: id, RouteId: id } };
  };
  return {
    ...NETWORK,
    ...Object.fromEntries(PASSIVE.map((type) => [type, named])),
    ...Object.fromEntries(GATEWAY.map((part) => [`AWS::ApiGatewayV2::${part}`, gatewayPart])),
    'AWS::ApiGatewayV2::Api': apiProvider(ports),
    'AWS::ApiGatewayV2::Stage': ({ properties }) => ({ ref: String(properties.StageName), attributes: {} }),
    'AWS::Lambda::Permission': numbered('permission'),
    'AWS::Lambda::EventSourceMapping': (resource) => {
      const id = generatedId('mapping', resource, 32);
      return { ref: id, attributes: { Id: id, EventSourceMappingArn: functionArn(id) } };
    },
    'AWS::SSM::Parameter': ({ properties }) => {
      const { Name, Type, Value } = properties;
      return { ref: String(Name), attributes: { Type: String(Type), Value: String(Value) } };
    },
    'AWS::Events::Rule': ({ properties, physicalName }) => {
      const name = String(properties.Name ?? physicalName);
      return { ref: name, attributes: { Arn: `arn:aws:events:${REGION}:${ACCOUNT}:rule/${name}` } };
    },
    'AWS::SNS::Topic': ({ properties, physicalName }) => {
      const name = String(properties.TopicName ?? physicalName);
      const arn = `arn:aws:sns:${REGION}:${ACCOUNT}:${name}`;
      return { ref: arn, attributes: { TopicArn: arn, TopicName: name } };
    },
    'AWS::SQS::Queue': ({ properties, physicalName }) => {
      const name = String(properties.QueueName ?? physicalName);
      const ref = `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}`;
      return { ref, attributes: { Arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`, QueueName: name } };
    },
    'AWS::KMS::Key': (resource) => {
      const hex = generatedId('', resource, 32).slice(1);
      const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      return { ref: id, attributes: { KeyId: id, Arn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${id}` } };
    },
  };
}
