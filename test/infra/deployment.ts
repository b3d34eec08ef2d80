import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { createStacks } from '../../lib/tidemark.ts';
import type { Stack } from '../../local/template/assembly.ts';

type Properties = Record<string, unknown>;

/** A resource of any stack. */
interface Resource {
  readonly id: string;
  /** Construct ids down to the resource: `TidemarkApi/UploadInit/Resource`. */
  readonly path: string;
  readonly properties: Properties;
  readonly deletionPolicy: string | undefined;
}

interface LambdaFunction extends Resource {
  /** Construct id, e.g. UploadInit. */
  readonly name: string;
  readonly environment: Properties;
  /** What its own work needs. */
  readonly statements: readonly Statement[];
  /** What Lambda needs to run it: logs, and interfaces in the VPC. */
  readonly runtime: readonly Statement[];
}

/** What a function may do; actions and resources as sorted lists. */
interface Statement {
  readonly actions: readonly string[];
  readonly resources: readonly unknown[];
}

interface Deployment {
  readonly stacks: readonly Stack[];
  /** @param stack name without the prefix, e.g. Api */
  template(stack: string): Template;
  resources(type: string): readonly Resource[];
  readonly functions: readonly LambdaFunction[];
}

const context = JSON.parse(readFileSync(join(import.meta.dirname, '../../cdk.json'), 'utf8')).context;
const deployments = new Map<string | undefined, Deployment>();

/**
 * The templates of a profile, synthesized once per test file: with the context of cdk.json, and without
 * bundling, which no assertion looks at.
 */
export function deploymentOf(profile?: string): Deployment {
  const known = deployments.get(profile);
  if (known) return known;
  const app = new App({
    context: {
      ...context,
      ...(profile && { profile }),
      'aws:cdk:bundling-stacks': [],
      'aws:cdk:enable-path-metadata': true,
    },
  });
  createStacks(app);
  const { stacks } = app.synth();
  const templates = new Map(stacks.map((stack) => [stack.id, Template.fromJSON(stack.template)]));

  const resources = (type: string): Resource[] =>
    stacks.flatMap(({ id: stack }) => {
      const found = templates.get(stack)?.findResources(type) ?? {};
      return Object.entries(found).map(([id, resource]) => ({
        id: `${stack}.${id}`,
        path: resource.Metadata?.['aws:cdk:path'] ?? '',
        properties: resource.Properties ?? {},
        deletionPolicy: resource.DeletionPolicy,
      }));
    });

  const deployment: Deployment = {
    stacks: stacks.map(({ id, template }) => ({ name: id, template })),
    template: (stack) => templates.get(`Tidemark${stack}`)!,
    resources,
    functions: functionsOf(resources),
  };
  deployments.set(profile, deployment);
  return deployment;
}

function functionsOf(resources: (type: string) => Resource[]): LambdaFunction[] {
  const policies = resources('AWS::IAM::Policy');
  const roles = resources('AWS::IAM::Role');
  return resources('AWS::Lambda::Function').map((fn) => {
    const construct = fn.path.replace(/\/Resource$/, '');
    return {
      ...fn,
      name: construct.split('/').at(-1)!,
      environment: (fn.properties.Environment as { Variables: Properties }).Variables,
      statements: policies
        .filter(({ path }) => path.startsWith(`${construct}Role/`))
        .flatMap(({ properties }) => statementsOf(properties)),
      runtime: roles
        .filter(({ path }) => path === `${construct}Role/Resource`)
        .flatMap(({ properties }) => properties.Policies as Properties[])
        .flatMap(statementsOf),
    };
  });
}

function statementsOf(policy: Properties): Statement[] {
  const { Statement } = policy.PolicyDocument as { Statement: { Action: unknown; Resource: unknown }[] };
  return Statement.map(({ Action, Resource }) => ({
    actions: ([Action].flat() as string[]).sort(),
    resources: [Resource].flat(),
  }));
}
