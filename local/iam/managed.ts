import { LocalError } from '../errors.ts';
import type { Statement } from './policy.ts';

const LOGS = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];
const INTERFACES = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
];

/** What AWS' managed policies hold, as far as a function's life here depends on it. */
const MANAGED: Readonly<Record<string, readonly string[]>> = {
  'service-role/AWSLambdaBasicExecutionRole': LOGS,
  'service-role/AWSLambdaVPCAccessExecutionRole': [
    ...LOGS,
    ...INTERFACES,
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ],
  'service-role/AWSLambdaMSKExecutionRole': [
    ...LOGS,
    ...INTERFACES,
    'ec2:DescribeVpcs',
    'ec2:DescribeSecurityGroups',
    'kafka:DescribeCluster',
    'kafka:DescribeClusterV2',
    'kafka:GetBootstrapBrokers',
  ],
};

/** The statements of an AWS managed policy; throws on one that is not in the table. */
export function managedPolicy(arn: string, where: string): Statement[] {
  const name = arn.split(':policy/')[1] ?? arn;
  const actions = MANAGED[name];
  if (!actions)
    throw new LocalError('Policy', `${where}: ${arn} is unknown here: add what it holds to local/iam/managed.ts`);
  return [{ allow: true, actions, resources: ['*'], conditions: [] }];
}
