import { LocalError, templateError } from '../errors.ts';
import type { Assembly, Stack, TemplateResource } from './assembly.ts';
import { referencesOf, sharedName } from './references.ts';
import { resolve, type Scope } from './resolve.ts';

/** One resource of the assembly, ready to be provisioned once what it needs is. */
export interface Step {
  readonly key: string;
  readonly stack: Stack;
  readonly logicalId: string;
  readonly resource: TemplateResource;
  readonly needs: ReadonlySet<string>;
}

export function stepKey(stack: string, logicalId: string): string {
  return `${stack}/${logicalId}`;
}

/** Where the value of an export, or of a parameter of Systems Manager, is defined. */
export interface Export {
  readonly stack: Stack;
  readonly output: string;
  readonly value: unknown;
}

/** A scope for what needs no resource: names of exports, conditions. */
function staticScope(stack: Stack): Scope {
  return { stack, resource: () => undefined, imported: () => undefined };
}

export function collectExports(assembly: Assembly): Map<string, Export> {
  const exports = new Map<string, Export>();
  for (const stack of assembly.stacks) {
    for (const [output, { Export: exported, Value: value }] of Object.entries(stack.template.Outputs ?? {})) {
      if (!exported) continue;
      exports.set(String(resolve(staticScope(stack), exported.Name, `Outputs.${output}`)), { stack, output, value });
    }
    for (const [output, { Type, Properties }] of Object.entries(stack.template.Resources ?? {})) {
      if (Type !== 'AWS::SSM::Parameter') continue;
      exports.set(sharedName(Properties?.Name), { stack, output, value: Properties?.Value });
    }
  }
  return exports;
}

function isWanted(stack: Stack, resource: TemplateResource, logicalId: string): boolean {
  if (resource.Condition === undefined) return true;
  const chosen = { 'Fn::If': [resource.Condition, true, false] };
  return resolve(staticScope(stack), chosen, `${logicalId}.Condition`) === true;
}

/** Custom resources run code: everything else comes first where the template leaves the choice. */
export function isCustom(type: string): boolean {
  return type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource';
}

/**
 * All resources of all stacks, each after those that it refers to or depends on, across stacks. Throws with the names
 * where they form a cycle.
 */
export function provisioningOrder(assembly: Assembly, exports: ReadonlyMap<string, Export>): Step[] {
  const steps = assembly.stacks.flatMap((stack) => stepsOf(stack, exports));
  const waiting = new Map(steps.map((step) => [step.key, step]));
  const ordered: Step[] = [];
  const isReady = (step: Step) => ![...step.needs].some((key) => waiting.has(key));
  while (waiting.size > 0) {
    const ready = [...waiting.values()].filter(isReady);
    const plain = ready.filter((step) => !isCustom(step.resource.Type));
    const next = plain.length > 0 ? plain : ready.slice(0, 1);
    if (next.length === 0)
      throw new LocalError('Template', `the templates hold a cycle: ${cycle(waiting).join(' -> ')}`);
    for (const step of next) waiting.delete(step.key);
    ordered.push(...next);
  }
  return ordered;
}

function stepsOf(stack: Stack, exports: ReadonlyMap<string, Export>): Step[] {
  const wanted = Object.entries(stack.template.Resources ?? {}).filter(([id, resource]) =>
    isWanted(stack, resource, id),
  );
  return wanted.map(([logicalId, resource]) => {
    const dependsOn = [resource.DependsOn ?? []].flat();
    const unknown = dependsOn.find((id) => stack.template.Resources?.[id] === undefined);
    if (unknown) throw templateError(stack.name, `${logicalId}.DependsOn`, `${unknown} is not in the template`);
    const needs = new Set(dependsOn.map((id) => stepKey(stack.name, id)));
    addReferences(stack, resource.Properties, logicalId, exports, needs);
    return { key: stepKey(stack.name, logicalId), stack, logicalId, resource, needs };
  });
}

function addReferences(
  stack: Stack,
  expression: unknown,
  path: string,
  exports: ReadonlyMap<string, Export>,
  needs: Set<string>,
): void {
  const { resources, imports } = referencesOf(stack, expression, path);
  for (const id of resources) needs.add(stepKey(stack.name, id));
  for (const expressionOfName of imports) {
    const name = String(resolve(staticScope(stack), expressionOfName, path));
    const exported = exports.get(name);
    if (!exported) throw templateError(stack.name, path, `imports ${name}, which no stack exports`);
    addReferences(exported.stack, exported.value, `Outputs.${exported.output}`, exports, needs);
  }
}

function cycle(waiting: ReadonlyMap<string, Step>): string[] {
  const trail: string[] = [];
  let [key] = waiting.keys();
  while (key !== undefined && !trail.includes(key)) {
    trail.push(key);
    key = [...(waiting.get(key)?.needs ?? [])].find((need) => waiting.has(need));
  }
  return key === undefined ? trail : [...trail.slice(trail.indexOf(key)), key];
}
