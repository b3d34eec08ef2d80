/* CloudFormation: reads the synthesized templates, orders their resources, and resolves what they refer to. */

import { createHash } from 'node:crypto';
import { LocalError, reason } from '../errors.ts';
import type { Provider, Provisioned, Resource, ResourceContext } from '../types.ts';
import type { Assembly, Stack } from './assembly.ts';
import { collectExports, provisioningOrder, stepKey } from './order.ts';
import { resolve, type Scope } from './resolve.ts';

export interface Provisioning {
  /** Every resource so far, by `stack/logicalId`. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Provisions all resources, each after what it refers to. */
  run(): Promise<void>;
  /** The outputs that the app names itself, not those that CDK makes for other stacks. */
  outputs(): Record<string, string>;
}

const ownDomain =
  'a domain of your own needs DNS and certificates of ACM, which are not here: synthesize without domain=';
/** What the local cloud does not imitate, and why. */
const notHere: Readonly<Record<string, string>> = {
  'AWS::ApiGatewayV2::DomainName': ownDomain,
  'AWS::ApiGatewayV2::ApiMapping': ownDomain,
  'AWS::Route53::RecordSet': ownDomain,
};

/** Bucket names have at most 63 characters, which is the tightest limit of all. */
const MAX_NAME = 63;

function physicalName(stack: string, logicalId: string): string {
  const name = `${stack}-${logicalId}`.toLowerCase().replace(/[^a-z0-9-]/g, '-');
  if (name.length <= MAX_NAME) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, MAX_NAME - 9)}-${digest}`;
}

async function provide(context: ResourceContext, provider: Provider): Promise<Provisioned> {
  try {
    return await provider(context);
  } catch (error) {
    const where = `${context.type} ${context.logicalId} of ${context.stack}`;
    throw error instanceof LocalError ? error : new LocalError('Provision', `${where}: ${reason(error)}`);
  }
}

/** Prepares an assembly's resources; `providerOf` finds who provides a type. Throws on a template that cannot run. */
export function prepare(assembly: Assembly, providerOf: (type: string) => Provider | undefined): Provisioning {
  const exports = collectExports(assembly);
  const steps = provisioningOrder(assembly, exports);
  const tasks = steps.map((step) => ({ ...step, provider: providerOf(step.resource.Type) }));
  for (const { provider, resource, logicalId, stack } of tasks) {
    if (provider) continue;
    const where = `${resource.Type} (${logicalId} of ${stack.name})`;
    const why = notHere[resource.Type];
    if (why) throw new LocalError('Template', `${where}: ${why}`);
    throw new LocalError('Template', `${where} is unknown to the local cloud: teach it in local/`);
  }
  const resources = new Map<string, Resource>();

  const scopeOf = (stack: Stack): Scope => ({
    stack,
    resource: (logicalId) => resources.get(stepKey(stack.name, logicalId)),
    imported: (name) => {
      const exported = exports.get(name);
      return exported && resolve(scopeOf(exported.stack), exported.value, `Outputs.${exported.output}`);
    },
  });

  return {
    resources,
    async run() {
      for (const { key, stack, logicalId, resource, provider } of tasks) {
        if (!provider) continue;
        const properties = resolve(scopeOf(stack), resource.Properties ?? {}, logicalId) as Record<string, unknown>;
        const name = physicalName(stack.name, logicalId);
        const context = { type: resource.Type, logicalId, stack: stack.name, physicalName: name, properties };
        const provisioned = await provide(context, provider);
        resources.set(key, { ...context, ...provisioned });
      }
    },
    outputs() {
      const named = assembly.stacks.flatMap((stack) =>
        Object.entries(stack.template.Outputs ?? {})
          .filter(([name, { Condition }]) => !name.startsWith('ExportsOutput') && Condition === undefined)
          .map(([name, { Value }]) => [name, String(resolve(scopeOf(stack), Value, `Outputs.${name}`))] as const),
      );
      return Object.fromEntries(named);
    },
  };
}
