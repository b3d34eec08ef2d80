import { reason } from '../errors.ts';
import type { Caller, Identities, Log, Principal } from '../types.ts';
import { AwsError } from './errors.ts';

/** What to write in the CDK app, by the action's service, for a person who reads the cloud's log. */
const REMEDIES: Readonly<Record<string, string>> = {
  s3: 'grant it in lib/, e.g. bucket.grantRead(fn) or bucket.grantPut(fn)',
  dynamodb: 'grant it in lib/, e.g. table.grantWriteData(fn)',
  lambda: 'grant it in lib/, e.g. target.grantInvoke(fn)',
  secretsmanager: 'grant it in lib/, e.g. secret.grantRead(fn) or secret.grantWrite(fn)',
  kafka: 'add a kafka statement on the cluster to the role in lib/',
  'kafka-cluster': 'add a kafka-cluster statement on the cluster or topic to the role in lib/',
  'rds-data': 'grant it in lib/, e.g. cluster.grantDataApiAccess(fn)',
  'rds-db': 'grant it in lib/, e.g. proxy.grantConnect(fn, user) or cluster.grantConnect(fn, user)',
  'cognito-idp': 'add a cognito-idp statement on the user pool to the role in lib/',
  'execute-api': 'grant it in lib/, e.g. stage.grantManagementApiAccess(fn)',
};

export interface Access {
  /** Refuses with AccessDenied where the role lacks the action, and says so in the cloud's log. */
  demand(
    caller: Caller,
    action: string,
    resource: string,
    /** Values of the condition keys that this request has, such as s3:prefix. */
    context?: Readonly<Record<string, string>>,
  ): void;
  /** Whether the role holds the action; nothing is logged. */
  holds(principal: Principal, action: string, resource: string): boolean;
  /** Refuses with Unreachable where the function's network has no way to the service, and says so in the cloud's log. */
  reach(principal: Principal, service: string): void;
}

export function createAccess(identities: Identities, log: Log): Access {
  return {
    demand(caller, action, resource, context) {
      try {
        identities.authorize(caller, action, resource, context);
      } catch (error) {
        const remedy = REMEDIES[action.split(':')[0] ?? ''] ?? 'grant it in lib/';
        log(`access: ${caller.name} may not ${action} on ${resource}: ${remedy}`);
        throw new AwsError('AccessDenied', reason(error), 403);
      }
    },
    holds(principal, action, resource) {
      try {
        identities.authorize(principal, action, resource);
        return true;
      } catch {
        return false;
      }
    },
    reach(principal, service) {
      try {
        identities.reach(principal, service);
      } catch (error) {
        log(reason(error));
        throw new AwsError('Unreachable', reason(error), 403);
      }
    },
  };
}
