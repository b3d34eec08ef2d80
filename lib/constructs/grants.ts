import { Stack } from 'aws-cdk-lib';
import type { WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Grant, type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { acknowledgeInterfaces, interfaceStatements } from './execution-role.ts';
import type { TidemarkFunction } from './function.ts';

// Narrower than CDK's grants of the same names; test/e2e/least-privilege.test.ts fails on what no call uses.

/** Invokes the function by its entry; CDK's grantInvoke adds all versions and aliases, old ones too. */
export function grantInvoke(grantee: IGrantable, { entry }: TidemarkFunction): void {
  Grant.addToPrincipal({ grantee, actions: ['lambda:InvokeFunction'], resourceArns: [entry.functionArn] });
}

/** Reads the secret's text; CDK's grantRead adds its description. */
export function grantReadSecret(grantee: IGrantable, { secretArn }: Pick<ISecret, 'secretArn'>): void {
  Grant.addToPrincipal({ grantee, actions: ['secretsmanager:GetSecretValue'], resourceArns: [secretArn] });
}

/** Pushes to the stage's sockets or closes them; CDK's grantManagementApiAccess allows every method. */
export function grantConnections(fn: TidemarkFunction, stage: WebSocketStage, method: 'POST' | 'DELETE'): void {
  const arn = Stack.of(stage).formatArn({
    service: 'execute-api',
    resource: stage.api.apiId,
    resourceName: `${stage.stageName}/${method}/@connections/*`,
  });
  Grant.addToPrincipal({ grantee: fn, actions: ['execute-api:ManageConnections'], resourceArns: [arn] });
  const api = Stack.of(stage).resolve(stage.api.apiId).Ref;
  fn.acknowledgeWildcard(
    `arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<${api}>/${stage.stageName}/${method}/@connections/*`,
    'Connections come and go; their ids are not known before.',
  );
}

/** Lets Lambda put the pollers of the function's event source into subnets, which it looks up by their cluster. */
export function grantPollerInterfaces(fn: TidemarkFunction): void {
  fn.addToRolePolicy(
    new PolicyStatement({ actions: ['ec2:DescribeSecurityGroups', 'ec2:DescribeVpcs'], resources: ['*'] }),
  );
  // A function in the VPC has the rest by its execution role.
  if (!fn.isBoundToVpc) for (const statement of interfaceStatements(fn)) fn.addToRolePolicy(statement);
  acknowledgeInterfaces((...finding) => fn.acknowledgeWildcard(...finding));
}
