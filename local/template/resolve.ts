import { templateError } from '../errors.ts';
import { isObject } from '../json.ts';
import { ACCOUNT, type Provisioned, REGION } from '../types.ts';
import type { Stack } from './assembly.ts';
import { attributeOf, intrinsic, placeholders, sharedBy } from './references.ts';

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

/** Intrinsics that are true or false. */
const CONDITIONS: ReadonlySet<string> = new Set(['Fn::Equals', 'Fn::And', 'Fn::Or', 'Fn::Not']);

export function stackId(stack: string): string {
  return `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${stack}/local`;
}

/**
 * Evaluates the intrinsics in `expression`; `path` (a logical id and a property path) names the place in errors.
 * Throws on an intrinsic, reference or attribute that it does not know.
 */
export function resolve(scope: Scope, expression: unknown, path: string): unknown {
  return new Resolver(scope).visit(expression, path);
}

type Intrinsic = (argument: unknown, at: string) => unknown;

/** Evaluates expressions of one stack. `at` is where in a resource the value stands. */
class Resolver {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  visit(value: unknown, at: string): unknown {
    if (Array.isArray(value)) {
      return value.map((item, index) => this.visit(item, `${at}[${index}]`)).filter((item) => item !== NO_VALUE);
    }
    if (!isObject(value)) return value;
    const found = intrinsic(value);
    // IAM statements hold a key named Condition too, but its value is an object of operators.
    if (found && !(found.name === 'Condition' && isObject(found.argument))) {
      return this.#call(found.name, found.argument, at);
    }
    const entries = Object.entries(value).map(([key, item]) => [key, this.visit(item, `${at}.${key}`)] as const);
    return Object.fromEntries(entries.filter(([, item]) => item !== NO_VALUE));
  }

  readonly #intrinsics: Readonly<Record<string, Intrinsic>> = {
    Ref: (argument, at) => this.#ref(this.#text(argument, at), at),
    'Fn::GetAtt': (argument, at) => {
      const target = attributeOf(argument) ?? this.#fail('GetAtt needs a logical id and an attribute', at);
      return this.#attribute(target.id, target.attribute, at);
    },
    'Fn::Sub': (argument, at) => this.#substitute(argument, at),
    'Fn::Join': (argument, at) => {
      const [separator, items] = operandsOf(argument);
      return this.#list(items, at)
        .map((item) => this.#text(item, at))
        .join(this.#text(separator, at));
    },
    'Fn::Split': (argument, at) => {
      const [separator, value] = operandsOf(argument);
      return this.#text(this.visit(value, at), at).split(this.#text(separator, at));
    },
    'Fn::Select': (argument, at) => {
      const [index, items] = operandsOf(argument);
      return this.#list(items, at)[Number(this.visit(index, at))] ?? this.#fail('Fn::Select beyond the list', at);
    },
    'Fn::Base64': (argument, at) => Buffer.from(this.#text(this.visit(argument, at), at)).toString('base64'),
    'Fn::GetAZs': () => ['a', 'b', 'c'].map((zone) => REGION + zone),
    'Fn::If': (argument, at) => {
      const [condition, yes, no] = operandsOf(argument);
      return this.visit(this.#condition(condition, at) ? yes : no, at);
    },
    'Fn::FindInMap': (argument, at) => {
      const [map, first, second] = operandsOf(argument).map((operand) => this.#text(this.visit(operand, at), at));
      const found = this.#scope.stack.template.Mappings?.[map ?? '']?.[first ?? '']?.[second ?? ''];
      return found ?? this.#fail(`no mapping ${map}.${first}.${second}`, at);
    },
    'Fn::ImportValue': (argument, at) => {
      const exported = this.#text(this.visit(argument, at), at);
      return this.#scope.imported(exported) ?? this.#fail(`no stack exports ${exported}`, at);
    },
  };

  #call(name: string, argument: unknown, at: string): unknown {
    if (CONDITIONS.has(name)) return this.#condition({ [name]: argument }, at);
    const evaluate = this.#intrinsics[name];
    return evaluate ? evaluate(argument, at) : this.#fail(`the intrinsic ${name} is not known to the local cloud`, at);
  }

  #condition(value: unknown, at: string): boolean {
    const call = intrinsic(value);
    if (call?.name === 'Condition' || typeof value === 'string') {
      const name = String(call ? call.argument : value);
      const definition =
        this.#scope.stack.template.Conditions?.[name] ?? this.#fail(`there is no condition ${name}`, at);
      return this.#condition(definition, `Conditions.${name}`);
    }
    const operands = operandsOf(call?.argument);
    const [first, second] = operands;
    if (call?.name === 'Fn::Equals') {
      return this.#text(this.visit(first, at), at) === this.#text(this.visit(second, at), at);
    }
    if (call?.name === 'Fn::And') return operands.every((operand) => this.#condition(operand, at));
    if (call?.name === 'Fn::Or') return operands.some((operand) => this.#condition(operand, at));
    if (call?.name === 'Fn::Not') return !this.#condition(first, at);
    return this.#fail(`the condition ${JSON.stringify(value)} is not known to the local cloud`, at);
  }

  #ref(id: string, at: string): unknown {
    const { stack, resource } = this.#scope;
    if (id in PSEUDO) return PSEUDO[id];
    if (id === 'AWS::StackName') return stack.name;
    if (id === 'AWS::StackId') return stackId(stack.name);
    const shared = sharedBy(stack, id);
    if (shared !== undefined) return this.#scope.imported(shared) ?? this.#fail(`there is no parameter ${shared}`, at);
    const parameter = stack.template.Parameters?.[id];
    if (parameter) {
      return parameter.Default ?? this.#fail(`parameter ${id} has no default, and nothing sets it locally`, at);
    }
    return resource(id)?.ref ?? this.#fail(`Ref to ${id}, which is not a resource of this template`, at);
  }

  #attribute(id: string, name: string, at: string): unknown {
    const resource =
      this.#scope.resource(id) ?? this.#fail(`GetAtt of ${id}, which is not a resource of this template`, at);
    const known = Object.keys(resource.attributes).join(', ') || 'none';
    const problem = `${id} has no attribute ${name} in the local cloud (it has: ${known})`;
    return resource.attributes[name] ?? this.#fail(problem, at);
  }

  #substitute(argument: unknown, at: string): string {
    const [template, own] = Array.isArray(argument) ? argument : [argument, {}];
    let result = this.#text(template, at);
    for (const name of new Set(placeholders(result))) {
      const value = isObject(own) && name in own ? this.visit(own[name], at) : this.#named(name, at);
      result = result.replaceAll(`\${${name}}`, () => this.#text(value, at));
    }
    return result.replaceAll('${!', () => '${');
  }

  /** `Name` or `Name.Attribute`. */
  #named(name: string, at: string): unknown {
    const [id = '', ...rest] = name.split('.');
    return rest.length > 0 ? this.#attribute(id, rest.join('.'), at) : this.#ref(name, at);
  }

  #text(value: unknown, at: string): string {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
    return this.#fail(`a text is expected, not ${JSON.stringify(value)}`, at);
  }

  #list(value: unknown, at: string): unknown[] {
    const resolved = this.visit(value, at);
    return Array.isArray(resolved) ? resolved : this.#fail('a list is expected', at);
  }

  #fail(problem: string, at: string): never {
    throw templateError(this.#scope.stack.name, at, problem);
  }
}

function operandsOf(argument: unknown): readonly unknown[] {
  return Array.isArray(argument) ? argument : [];
}
