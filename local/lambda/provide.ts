import { createHash } from 'node:crypto';
import { templateError } from '../errors.ts';
import type { Roles } from '../iam/roles.ts';
import { isObject } from '../json.ts';
import type { Assembly } from '../template/assembly.ts';
import type { Provider, ResourceContext } from '../types.ts';
import { placementOf } from '../vpc/network.ts';
import { type FunctionDefinition, functionArn } from './definition.ts';
import { demandInterfaces } from './own-calls.ts';
import type { LambdaService } from './service.ts';

/** Lambda's longest function name. */
const MAX_NAME = 64;
/** What the local runner does not run, and a template must therefore not ask for. */
const UNSUPPORTED = ['Layers', 'ImageConfig', 'FileSystemConfigs', 'DeadLetterConfig', 'SnapStart'];

/**
 * Names for functions whose template names none: what their place in the CDK app says (`UploadInit`), with the stack
 * in front where two would have the same.
 */
function functionNames({ stacks }: Assembly): Map<string, string> {
  const named = stacks.flatMap(({ name: stack, template }) =>
    Object.entries(template.Resources ?? {})
      .filter(([, { Type }]) => Type === 'AWS::Lambda::Function')
      .map(([logicalId, { Metadata }]) => {
        const path = String(Metadata?.['aws:cdk:path'] ?? `${stack}/${logicalId}`).split('/');
        const short = path
          .slice(1)
          .filter((part) => part !== 'Resource')
          .join('')
          .replace(/[^\w-]/g, '');
        return { key: `${stack}/${logicalId}`, short: short || logicalId, long: `${stack}-${logicalId}` };
      }),
  );
  const count = (short: string) => named.filter((one) => one.short === short).length;
  return new Map(named.map(({ key, short, long }) => [key, cut(count(short) > 1 ? long : short)]));
}

function cut(name: string): string {
  if (name.length <= MAX_NAME) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, MAX_NAME - 9)}-${digest}`;
}

/** The providers of functions and of what settles their asynchronous invocations. */
export function lambdaProviders(lambda: LambdaService, roles: Roles, assembly: Assembly): Record<string, Provider> {
  const names = functionNames(assembly);
  const fail = ({ stack, logicalId }: ResourceContext, property: string, problem: string): never => {
    throw templateError(stack, `${logicalId}.${property}`, problem);
  };
  return {
    'AWS::Lambda::Function': (resource) => {
      const { properties, stack, logicalId } = resource;
      const name = String(properties.FunctionName ?? names.get(`${stack}/${logicalId}`) ?? logicalId);
      const code = isObject(properties.Code) ? properties.Code : {};
      const taskRoot = assembly.assets.get(String(code.S3Key));
      if (!taskRoot) return fail(resource, 'Code', 'only file assets are run by the local cloud');
      const runtime = String(properties.Runtime);
      if (!runtime.startsWith('nodejs')) return fail(resource, 'Runtime', `${runtime} is not run by the local cloud`);
      const unsupported = UNSUPPORTED.find((property) => properties[property] !== undefined);
      if (unsupported) return fail(resource, unsupported, 'is not run by the local cloud');
      const environment = isObject(properties.Environment) ? properties.Environment.Variables : {};
      const variables = Object.entries(isObject(environment) ? environment : {});
      const vpc = isObject(properties.VpcConfig) ? properties.VpcConfig : {};
      const logging = isObject(properties.LoggingConfig) ? properties.LoggingConfig : {};
      const reserved = properties.ReservedConcurrentExecutions;
      const definition: FunctionDefinition = {
        name,
        logicalId,
        taskRoot,
        handler: String(properties.Handler),
        memoryMb: Number(properties.MemorySize ?? 128),
        timeoutSeconds: Number(properties.Timeout ?? 3),
        reservedConcurrency: reserved === undefined ? undefined : Number(reserved),
        environment: Object.fromEntries(variables.map(([key, value]) => [key, String(value)])),
        traced: isObject(properties.TracingConfig) && properties.TracingConfig.Mode === 'Active',
        logGroup: String(logging.LogGroup ?? `/aws/lambda/${name}`),
        principal: roles.issue(name, String(properties.Role)),
        placement: placementOf(vpc.SubnetIds, vpc.SecurityGroupIds),
      };
      if (definition.placement) demandInterfaces(roles.authorize, definition);
      lambda.add(definition);
      return { ref: name, attributes: { Arn: functionArn(name) } };
    },
    'AWS::Lambda::Version': ({ properties }) => {
      const arn = `${functionArn(String(properties.FunctionName))}:1`;
      return { ref: arn, attributes: { FunctionArn: arn, Version: '1' } };
    },
    'AWS::Lambda::Alias': ({ properties }) => {
      const arn = `${functionArn(String(properties.FunctionName))}:${properties.Name}`;
      return { ref: arn, attributes: { AliasArn: arn } };
    },
    'AWS::Lambda::EventInvokeConfig': (resource) => {
      const {
        FunctionName,
        MaximumRetryAttempts,
        MaximumEventAgeInSeconds: age,
        DestinationConfig,
      } = resource.properties;
      const { OnSuccess, OnFailure } = isObject(DestinationConfig) ? DestinationConfig : {};
      if (OnSuccess !== undefined)
        return fail(resource, 'DestinationConfig.OnSuccess', 'is not run by the local cloud');
      lambda.setFailure(String(FunctionName), {
        ...(MaximumRetryAttempts !== undefined && { retries: Number(MaximumRetryAttempts) }),
        ...(age !== undefined && { maxAgeMs: Number(age) * 1000 }),
        ...(isObject(OnFailure) && { destination: String(OnFailure.Destination) }),
      });
      return { ref: resource.physicalName, attributes: {} };
    },
  };
}
