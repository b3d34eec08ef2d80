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
