import { templateError } from '../errors.ts';
import { isObject } from '../json.ts';
import { ACCOUNT, type Provisioned, REGION } from '../types.ts';
import type { Stack } from './assembly.ts';
import { attributeOf, intrinsic, placeholders } from './references.ts';

/** What the resolver looks up outside its own expression. */
export interface Scope {
  readonly stack: Stack;
  /** A provisioned resource of this stack; undefined if it is not provisioned (yet). */
  readonly resource: (logicalId: string) => Provisioned | undefined;
  /** Another stack's export; undefined if there is none. */
  readonly imported: (name: string) => unknown;
}

/** What AWS::NoValue resolves to: the property or list item that holds it is dropped. */
const NO_VALUE = Symbol('AWS::NoValue');

const PSEUDO: Readonly<Record<string, unknown>> = {
  'AWS::Region': REGION,
  'AWS::AccountId': ACCOUNT,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::NoValue': NO_VALUE,
};

export function stackId(stack: string): string {
  return `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${stack}/local`;
}

/**
 * Evaluates the intrinsics in `expression`; `path` (a logical id and a property path) names the place in errors.
 * Throws on an intrinsic, reference or attribute that it does not know.
 */
export function resolve(scope: Scope, expression: unknown, path: string): unknown {
  const { stack } = scope;
  const fail = (problem: string, at = path): never => {
    throw templateError(stack.name, at, problem);
  };

  const ref = (id: string, at: string): unknown => {
    if (id in PSEUDO) return PSEUDO[id];
    if (id === 'AWS::StackName') return stack.name;
    if (id === 'AWS::StackId') return stackId(stack.name);
    const parameter = stack.template.Parameters?.[id];
    if (parameter) return parameter.Default ?? fail(`parameter ${id} has no default, and nothing sets it locally`, at);
    return scope.resource(id)?.ref ?? fail(`Ref to ${id}, which is not a resource of this template`, at);
  };

  const attribute = (id: string, name: string, at: string): unknown => {
    const resource = scope.resource(id) ?? fail(`GetAtt of ${id}, which is not a resource of this template`, at);
    const value = (resource as Provisioned).attributes[name];
    const known = Object.keys((resource as Provisioned).attributes).join(', ') || 'none';
    return value ?? fail(`${id} has no attribute ${name} in the local cloud (it has: ${known})`, at);
  };

  const text = (value: unknown, at: string): string => {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
    return fail(`a text is expected, not ${JSON.stringify(value)}`, at) as never;
  };

  const list = (value: unknown, at: string): unknown[] => {
    const resolved = visit(value, at);
    return Array.isArray(resolved) ? resolved : (fail('a list is expected', at) as never);
  };

  const substitute = (argument: unknown, at: string): string => {
    const [template, own] = Array.isArray(argument) ? argument : [argument, {}];
    let result = text(template, at);
    for (const name of new Set(placeholders(result))) {
      const owned = isObject(own) && name in own;
      const [id = '', ...rest] = name.split('.');
      const value = owned ? visit(own[name], at) : rest.length > 0 ? attribute(id, rest.join('.'), at) : ref(name, at);
      result = result.replaceAll(`\${${name}}`, () => text(value, at));
    }
    return result.replaceAll('${!', () => '${');
  };

  const condition = (value: unknown, at: string): boolean => {
    const call = intrinsic(value);
    if (call?.name === 'Condition' || typeof value === 'string') {
      const name = String(call ? call.argument : value);
      const definition = stack.template.Conditions?.[name] ?? fail(`there is no condition ${name}`, at);
      return condition(definition, `Conditions.${name}`);
    }
    const operands = Array.isArray(call?.argument) ? call.argument : [];
    if (call?.name === 'Fn::Equals') return text(visit(operands[0], at), at) === text(visit(operands[1], at), at);
    if (call?.name === 'Fn::And') return operands.every((operand) => condition(operand, at));
    if (call?.name === 'Fn::Or') return operands.some((operand) => condition(operand, at));
    if (call?.name === 'Fn::Not') return !condition(operands[0], at);
    return fail(`the condition ${JSON.stringify(value)} is not known to the local cloud`, at) as never;
  };

  const call = (name: string, argument: unknown, at: string): unknown => {
    const operands = Array.isArray(argument) ? argument : [];
    switch (name) {
      case 'Ref':
        return ref(text(argument, at), at);
      case 'Fn::GetAtt': {
        const target = attributeOf(argument) ?? (fail('GetAtt needs a logical id and an attribute', at) as never);
        return attribute(target.id, target.attribute, at);
      }
      case 'Fn::Sub':
        return substitute(argument, at);
      case 'Fn::Join':
        return list(operands[1], at)
          .map((item) => text(item, at))
          .join(text(operands[0], at));
      case 'Fn::Split':
        return text(visit(operands[1], at), at).split(text(operands[0], at));
      case 'Fn::Select':
        return list(operands[1], at)[Number(visit(operands[0], at))] ?? fail('Fn::Select beyond the list', at);
      case 'Fn::Base64':
        return Buffer.from(text(visit(argument, at), at)).toString('base64');
      case 'Fn::GetAZs':
        return ['a', 'b', 'c'].map((zone) => REGION + zone);
      case 'Fn::If':
        return visit(condition(operands[0], at) ? operands[1] : operands[2], at);
      case 'Fn::FindInMap': {
        const [map, first, second] = operands.map((operand) => text(visit(operand, at), at));
        const found = stack.template.Mappings?.[map ?? '']?.[first ?? '']?.[second ?? ''];
        return found ?? fail(`no mapping ${map}.${first}.${second}`, at);
      }
      case 'Fn::ImportValue': {
        const exported = text(visit(argument, at), at);
        return scope.imported(exported) ?? fail(`no stack exports ${exported}`, at);
      }
      case 'Fn::Equals':
      case 'Fn::And':
      case 'Fn::Or':
      case 'Fn::Not':
        return condition({ [name]: argument }, at);
      default:
        return fail(`the intrinsic ${name} is not known to the local cloud`, at);
    }
  };

  const visit = (value: unknown, at: string): unknown => {
    if (Array.isArray(value)) {
      return value.map((item, index) => visit(item, `${at}[${index}]`)).filter((item) => item !== NO_VALUE);
    }
    if (!isObject(value)) return value;
    const found = intrinsic(value);
    // IAM statements hold a key named Condition too, but its value is an object of operators.
    if (found && !(found.name === 'Condition' && isObject(found.argument))) return call(found.name, found.argument, at);
    const entries = Object.entries(value).map(([key, item]) => [key, visit(item, `${at}.${key}`)] as const);
    return Object.fromEntries(entries.filter(([, item]) => item !== NO_VALUE));
  };

  return visit(expression, path);
}
