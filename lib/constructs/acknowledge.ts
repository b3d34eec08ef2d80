import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Accepts findings of cdk-nag on a construct and what it contains, each with its reason.
 * @param findings reason by rule (`AwsSolutions-VPC7`), or by one finding of it (`AwsSolutions-IAM5[Resource::*]`)
 */
export function acknowledge(construct: IConstruct, findings: Readonly<Record<string, string>>): void {
  for (const [rule, reason] of Object.entries(findings)) {
    const [pack] = rule.split('-', 1);
    Validations.of(construct).acknowledge({ id: `${pack}::${rule}`, reason });
  }
}

/**
 * Says why a role may do something on every resource that a pattern matches.
 * @param resource as cdk-nag writes it: `<LogicalId.Attribute>` for a reference, the export's name for an import
 */
export function acknowledgeWildcard(role: IConstruct, resource: string, reason: string): void {
  acknowledge(role, {
    [`AwsSolutions-IAM5[Resource::${resource}]`]: reason,
    'Serverless-LambdaStarPermissions': reason,
  });
}
