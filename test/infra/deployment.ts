import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import type { Stack } from '../../local/template/assembly.ts';
import { ASSEMBLIES } from './synthesis-folder.ts';

type Properties = Record<string, unknown>;

/** A resource of any stack. */
interface Resource {
  readonly id: string;
  /** Construct ids down to the resource: `TidemarkApi/UploadInit/Resource`. */
  readonly path: string;
  readonly properties: Properties;
  readonly deletionPolicy: string | undefined;
}

export interface LambdaFunction extends Resource {
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

export interface Deployment {
  /** Of the cloud assembly. */
  readonly folder: string;
  readonly stacks: readonly Stack[];
  /** @param stack name without the prefix, e.g. Api */
  template(stack: string): Template;
  resources(type: string): readonly Resource[];
  readonly functions: readonly LambdaFunction[];
}

const ending = '.template.json';
const deployments = new Map<string, Deployment>();

/** The templates of a profile, as test/infra/synthesis.ts made them. */
export function deploymentOf(profile = 'team'): Deployment {
  const known = deployments.get(profile);
  if (known) return known;
  const deployment = deploymentIn(join(process.env[ASSEMBLIES]!, profile));
  deployments.set(profile, deployment);
  return deployment;
}

/** The templates of the cloud assembly in that folder. */
export function deploymentIn(folder: string): Deployment {
  const stacks = readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => ({ name: file.slice(0, -ending.length), template: readJson(join(folder, file)) }));
  const templates = new Map(stacks.map(({ name, template }) => [name, Template.fromJSON(template)]));

  const resources = (type: string): Resource[] =>
    stacks.flatMap(({ name: stack }) => {
      const found = templates.get(stack)?.findResources(type) ?? {};
      return Object.entries(found).map(([id, resource]) => ({
        id: `${stack}.${id}`,
        path: resource.Metadata?.['aws:cdk:path'] ?? '',
        properties: resource.Properties ?? {},
        deletionPolicy: resource.DeletionPolicy,
      }));
    });

  return {
    folder,
    stacks,
    template: (stack) => templates.get(`Tidemark${stack}`)!,
    resources,
    functions: functionsOf(resources),
  };
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

function readJson(path: string): Stack['template'] {
  return JSON.parse(readFileSync(path, 'utf8'));
}
