import { matches } from '../iam/policy.ts';
import type { Resource } from '../types.ts';
import { functionArn } from './definition.ts';

/** Whether a service (`apigateway.amazonaws.com`) may invoke a function for a source, by its resource policy. */
export type MayInvoke = (service: string, functionArnOrName: string, sourceArn: string) => boolean;

function arnOf(nameOrArn: string): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn : functionArn(nameOrArn);
}

/** Reads the provisioned AWS::Lambda::Permission resources when asked. */
export function createPermissions(resources: () => Iterable<Resource>): MayInvoke {
  return (service, target, sourceArn) =>
    [...resources()].some(
      ({ type, properties }) =>
        type === 'AWS::Lambda::Permission' &&
        properties.Principal === service &&
        matches('lambda:InvokeFunction', String(properties.Action)) &&
        arnOf(String(properties.FunctionName)) === arnOf(target) &&
        (properties.SourceArn === undefined || matches(sourceArn, String(properties.SourceArn))),
    );
}
