import { templateError } from '../errors.ts';
import { isObject, texts } from '../json.ts';
import { ACCOUNT, type Provider, type ResourceContext } from '../types.ts';
import { managedPolicy } from './managed.ts';
import { parsePolicy } from './policy.ts';
import type { Roles } from './roles.ts';

/** The providers of AWS::IAM::*: roles and the policies attached to them. */
export function iamProviders(roles: Roles): Record<string, Provider> {
  /** AWS managed policies by name, and the template's own by ARN. */
  const customerManaged = new Map<string, unknown>();
  const where = ({ stack, logicalId }: ResourceContext) => `${stack}/${logicalId}`;

  const policyOf = (resource: ResourceContext, roleNames: readonly string[]) => {
    const statements = parsePolicy(resource.properties.PolicyDocument, where(resource));
    for (const role of roleNames) roles.attach(role, statements);
  };

  return {
    'AWS::IAM::Role': (resource) => {
      const { RoleName, Policies, ManagedPolicyArns, PermissionsBoundary } = resource.properties;
      if (PermissionsBoundary !== undefined) {
        const path = `${resource.logicalId}.PermissionsBoundary`;
        throw templateError(resource.stack, path, 'is not evaluated by the local cloud');
      }
      const name = String(RoleName ?? resource.physicalName);
      for (const policy of [Policies ?? []].flat().filter(isObject)) {
        roles.attach(name, parsePolicy(policy.PolicyDocument, where(resource)));
      }
      for (const arn of texts(ManagedPolicyArns)) {
        const own = customerManaged.get(arn);
        roles.attach(name, own ? parsePolicy(own, arn) : managedPolicy(arn, where(resource)));
      }
      return { ref: name, attributes: { Arn: `arn:aws:iam::${ACCOUNT}:role/${name}`, RoleId: `AROA${name}` } };
    },
    'AWS::IAM::Policy': (resource) => {
      policyOf(resource, texts(resource.properties.Roles));
      return { ref: String(resource.properties.PolicyName ?? resource.physicalName), attributes: {} };
    },
    'AWS::IAM::ManagedPolicy': (resource) => {
      policyOf(resource, texts(resource.properties.Roles));
      const name = String(resource.properties.ManagedPolicyName ?? resource.physicalName);
      const arn = `arn:aws:iam::${ACCOUNT}:policy/${name}`;
      customerManaged.set(arn, resource.properties.PolicyDocument);
      return { ref: arn, attributes: { PolicyArn: arn } };
    },
  };
}
