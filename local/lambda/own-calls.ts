import { LocalError } from '../errors.ts';
import { ACCOUNT, type Caller, type Identities, REGION } from '../types.ts';
import type { FunctionDefinition } from './definition.ts';

// What the Lambda service itself does with a function's role. Source: AWS Lambda Developer Guide, "Giving Lambda
// functions access to resources in an Amazon VPC" and "Configuring Lambda permissions for Amazon MSK event source
// mappings".

type Authorize = Identities['authorize'];

/** Resources in the account that a network interface touches; an interface's own id is not known before it exists. */
const ANY_EC2 = `arn:aws:ec2:${REGION}:${ACCOUNT}:*/*`;

/** Of EC2's actions, those that only describe have no resource but every one. */
const INTERFACE_CALLS: readonly (readonly [action: string, resource: string])[] = [
  ['ec2:CreateNetworkInterface', ANY_EC2],
  ['ec2:DeleteNetworkInterface', ANY_EC2],
  ['ec2:DescribeNetworkInterfaces', '*'],
  ['ec2:DescribeSubnets', '*'],
];

const FUNCTION_CALLS = [
  ...INTERFACE_CALLS,
  ['ec2:AssignPrivateIpAddresses', ANY_EC2],
  ['ec2:UnassignPrivateIpAddresses', ANY_EC2],
] as const;

const POLLER_CALLS = [...INTERFACE_CALLS, ['ec2:DescribeSecurityGroups', '*'], ['ec2:DescribeVpcs', '*']] as const;

function missing(authorize: Authorize, principal: Caller, calls: Iterable<readonly [string, string]>): string[] {
  return [...calls].flatMap(([action, resource]) => {
    try {
      authorize(principal, action, resource);
      return [];
    } catch {
      return [`${action} on ${resource}`];
    }
  });
}

/** Gives a function its network interfaces in the VPC. Throws with what its role lacks, as CreateFunction does. */
export function demandInterfaces(authorize: Authorize, { name, principal }: FunctionDefinition): void {
  const lacking = missing(authorize, principal, FUNCTION_CALLS);
  if (lacking.length === 0) return;
  const message = 'The provided execution role does not have permissions to call CreateNetworkInterface on EC2';
  throw new LocalError('AccessDenied', `${name}: ${message}: its role in lib/ lacks ${lacking.join(', ')}`);
}

/** Why a function's traces would not reach X-Ray; undefined if they do, or if it has none. */
export function traceObstacle(
  authorize: Authorize,
  { name, principal, traced }: FunctionDefinition,
): string | undefined {
  if (!traced) return undefined;
  const calls = ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'].map((action) => [action, '*'] as const);
  const lacking = missing(authorize, principal, calls);
  return lacking.length === 0
    ? undefined
    : `access: the traces of ${name} are lost: its role lacks ${lacking.join(', ')}`;
}

/** Sets where lost events of a function go. Throws where its role may not send there, as PutFunctionEventInvokeConfig does. */
export function demandDestination(
  authorize: Authorize,
  { name, principal }: FunctionDefinition,
  destination: string,
): void {
  if (!destination.startsWith('arn:aws:sqs:')) {
    throw new LocalError('Template', `${name}: the local cloud knows only queues as destinations, not ${destination}`);
  }
  if (missing(authorize, principal, [['sqs:SendMessage', destination]]).length === 0) return;
  const message = 'The provided execution role does not have permissions to call SendMessage on SQS';
  throw new LocalError('AccessDenied', `${name}: ${message}: its role in lib/ lacks sqs:SendMessage on ${destination}`);
}

/** The calls by which pollers find a cluster and enter its subnets, that the role lacks. */
export function missingPollerCalls(authorize: Authorize, principal: Caller, clusterArn: string): string[] {
  const find = ['kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers'].map((action) => [action, clusterArn] as const);
  return missing(authorize, principal, [...find, ...POLLER_CALLS]);
}

/** Why a function's output would not reach its log group; undefined if it does. */
export function logObstacle(
  authorize: Authorize,
  { name, principal, logGroup }: FunctionDefinition,
): string | undefined {
  const stream = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${logGroup}:log-stream:local`;
  const calls = ['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) => [action, stream] as const);
  const lacking = missing(authorize, principal, calls);
  return lacking.length === 0
    ? undefined
    : `access: the output of ${name} is lost: its role lacks ${lacking.join(', ')}`;
}
