import { Stack } from 'aws-cdk-lib';
import type { WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';

// Narrower than CDK's grants of the same names; test/e2e/least-privilege.test.ts fails on what no call uses.

/** Invokes the function itself; CDK's grantInvoke adds all its versions and aliases. */
export function grantInvoke(grantee: IGrantable, { functionArn }: IFunction): void {
  Grant.addToPrincipal({ grantee, actions: ['lambda:InvokeFunction'], resourceArns: [functionArn] });
}

/** Reads the secret's text; CDK's grantRead adds its description. */
export function grantReadSecret(grantee: IGrantable, { secretArn }: Pick<ISecret, 'secretArn'>): void {
  Grant.addToPrincipal({ grantee, actions: ['secretsmanager:GetSecretValue'], resourceArns: [secretArn] });
}

/** Pushes to the stage's sockets or closes them; CDK's grantManagementApiAccess allows every method. */
export function grantConnections(grantee: IGrantable, stage: WebSocketStage, method: 'POST' | 'DELETE'): void {
  const arn = Stack.of(stage).formatArn({
    service: 'execute-api',
    resource: stage.api.apiId,
    resourceName: `${stage.stageName}/${method}/@connections/*`,
  });
  Grant.addToPrincipal({ grantee, actions: ['execute-api:ManageConnections'], resourceArns: [arn] });
}
