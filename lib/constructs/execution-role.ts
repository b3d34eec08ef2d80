import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledgeWildcard } from './acknowledge.ts';

interface ExecutionRoleProps {
  /** The only one that the function writes to; CloudFormation makes it. */
  readonly logGroup: ILogGroup;
  /** Whether Lambda has to give the function network interfaces. */
  readonly inVpc: boolean;
}

/**
 * The role of one function. AWS' managed policies would let it write to every log group of the account and handle
 * every network interface in every region; here it has its own log group and, in the VPC, the interfaces of its own
 * account and region, which have no ids to name before Lambda makes them.
 */
export class ExecutionRole extends Role {
  constructor(scope: Construct, id: string, { logGroup, inVpc }: ExecutionRoleProps) {
    const statements = [
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
      ...(inVpc ? interfaceStatements(scope, 'ec2:AssignPrivateIpAddresses', 'ec2:UnassignPrivateIpAddresses') : []),
    ];
    super(scope, id, {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { Runtime: new PolicyDocument({ statements }) },
    });
    acknowledgeWildcard(this, '*', 'Neither X-Ray nor what only describes in EC2 has a resource to name.');
    if (inVpc) acknowledgeInterfaces((...finding) => acknowledgeWildcard(this, ...finding));
  }
}

/** What Lambda needs of a role to put a function, or the pollers of its event source, into subnets. */
export function interfaceStatements(scope: Construct, ...more: string[]): PolicyStatement[] {
  const anyInAccount = Stack.of(scope).formatArn({
    service: 'ec2',
    resource: '*',
    resourceName: '*',
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
  return [
    new PolicyStatement({
      actions: ['ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface', ...more],
      resources: [anyInAccount],
    }),
    // EC2 evaluates what only describes against no resource.
    new PolicyStatement({ actions: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'], resources: ['*'] }),
  ];
}

/** Gives the reason of the wildcard above. */
export function acknowledgeInterfaces(acknowledged: (resource: string, reason: string) => void): void {
  const anyInAccount = 'arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:*/*';
  acknowledged(anyInAccount, 'Interfaces have no ids to name before Lambda makes them.');
}
