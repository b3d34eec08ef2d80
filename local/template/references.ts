import { templateError } from '../errors.ts';
import { isObject } from '../json.ts';
import type { Stack } from './assembly.ts';

/** What an expression names: a resource of its own stack, or another stack's export. */
export interface References {
  readonly resources: ReadonlySet<string>;
  readonly imports: readonly unknown[];
}

/** The one intrinsic that an object is (`{"Ref": …}`, `{"Fn::Join": …}`), if it is one. */
export function intrinsic(value: unknown): { name: string; argument: unknown } | undefined {
  if (!isObject(value)) return undefined;
  const [name, ...others] = Object.keys(value);
  if (name === undefined || others.length > 0) return undefined;
  return name === 'Ref' || name === 'Condition' || name.startsWith('Fn::')
    ? { name, argument: value[name] }
    : undefined;
}

/** The `${Name}` and `${Name.Attribute}` of a Fn::Sub text; `${!literal}` is none. */
export function placeholders(text: string): string[] {
  return [...text.matchAll(/\$\{([^!{}][^{}]*)\}/g)].map((match) => (match[1] ?? '').trim());
}

/** `Name.Attribute`, or the two as a list, as GetAtt takes them. */
export function attributeOf(argument: unknown): { id: string; attribute: string } | undefined {
  const [id, ...rest] = typeof argument === 'string' ? argument.split('.') : Array.isArray(argument) ? argument : [];
  return typeof id === 'string' && rest.length > 0 && rest.every((part) => typeof part === 'string')
    ? { id, attribute: rest.join('.') }
    : undefined;
}

/** The name under which a parameter of the template takes the value of one of Systems Manager, if it is such a one. */
export function sharedBy({ template }: Stack, id: string): string | undefined {
  const { Type, Default } = template.Parameters?.[id] ?? {};
  return Type?.startsWith('AWS::SSM::Parameter::Value') ? sharedName(Default) : undefined;
}

/** What tells a parameter of Systems Manager from an export. */
export function sharedName(parameter: unknown): string {
  return `ssm:${parameter}`;
}

/** Collects what `expression` refers to; parameters and pseudo parameters are left out. */
export function referencesOf(stack: Stack, expression: unknown, path: string): References {
  const resources = new Set<string>();
  const imports: unknown[] = [];
  const name = (id: string, at: string) => {
    const shared = sharedBy(stack, id);
    if (shared !== undefined) imports.push(shared);
    if (id.startsWith('AWS::') || stack.template.Parameters?.[id] !== undefined) return;
    if (stack.template.Resources?.[id] === undefined) {
      throw templateError(stack.name, at, `refers to ${id}, which the template does not define`);
    }
    resources.add(id);
  };
  const visit = (value: unknown, at: string): void => {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item, `${at}[${index}]`);
      return;
    }
    if (!isObject(value)) return;
    const call = intrinsic(value);
    if (call?.name === 'Ref') {
      name(String(call.argument), at);
      return;
    }
    if (call?.name === 'Fn::GetAtt') {
      name(attributeOf(call.argument)?.id ?? '', at);
      return;
    }
    if (call?.name === 'Fn::ImportValue') imports.push(call.argument);
    if (call?.name === 'Fn::Sub') {
      const [text, own] = Array.isArray(call.argument) ? call.argument : [call.argument, {}];
      for (const placeholder of placeholders(String(text))) {
        if (!isObject(own) || !(placeholder in own)) name(placeholder.split('.')[0] ?? '', at);
      }
    }
    for (const [key, item] of Object.entries(value)) visit(item, call ? at : `${at}.${key}`);
  };
  visit(expression, path);
  return { resources, imports };
}
