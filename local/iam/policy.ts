import { LocalError } from '../errors.ts';
import { isObject, texts } from '../json.ts';

export interface Statement {
  readonly allow: boolean;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: readonly Condition[];
}

/** One action pattern on one resource pattern, as a statement allows it. */
export interface Grant {
  readonly action: string;
  readonly resource: string;
  readonly conditions: readonly Condition[];
}

interface Condition {
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
}

export type Decision = 'allowed' | 'denied' | 'not allowed';
export type RequestContext = Readonly<Record<string, string>>;

const STATEMENT_KEYS = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Condition', 'Principal']);

const OPERATORS: Readonly<Record<string, (value: string, wanted: string) => boolean>> = {
  StringEquals: (value, wanted) => value === wanted,
  StringNotEquals: (value, wanted) => value !== wanted,
  StringEqualsIgnoreCase: (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
  StringLike: matches,
  ArnEquals: matches,
  ArnLike: matches,
  Bool: (value, wanted) => value.toLowerCase() === wanted.toLowerCase(),
};

/** IAM's wildcards: `*` any run of characters, `?` one. */
export function matches(value: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(value);
}

/** Reads a policy document; throws on whatever could change a decision and is not understood here. */
export function parsePolicy(document: unknown, where: string): Statement[] {
  const fail = (problem: string): never => {
    throw new LocalError('Policy', `${where}: ${problem}`);
  };
  const statements = isObject(document) ? [document.Statement ?? []].flat() : fail('a policy document is expected');
  return statements.map((statement) => {
    if (!isObject(statement)) return fail('a statement must be an object');
    const unknown = Object.keys(statement).find((key) => !STATEMENT_KEYS.has(key));
    if (unknown) fail(`the local cloud does not evaluate ${unknown}; write the statement without it`);
    return {
      allow: statement.Effect === 'Allow',
      actions: texts(statement.Action),
      resources: texts(statement.Resource),
      conditions: parseConditions(statement.Condition, fail),
    };
  });
}

function parseConditions(value: unknown, fail: (problem: string) => never): Condition[] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([operator, keys]) => {
    if (!(operator in OPERATORS)) fail(`the local cloud does not evaluate the condition operator ${operator}`);
    return Object.entries(isObject(keys) ? keys : {}).map(([key, values]) => ({
      operator,
      key,
      values: texts(values),
    }));
  });
}

function isMet({ operator, key, values }: Condition, context: RequestContext): boolean {
  const value = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
  const test = OPERATORS[operator];
  if (operator.includes('Not')) return value === undefined || values.every((wanted) => test?.(value, wanted));
  return value !== undefined && values.some((wanted) => test?.(value, wanted));
}

/** Every pair of action and resource that the statements allow, each once. */
export function grantsOf(statements: readonly Statement[]): Grant[] {
  const grants = statements
    .filter(({ allow }) => allow)
    .flatMap(({ actions, resources, conditions }) =>
      actions.flatMap((action) => resources.map((resource) => ({ action, resource, conditions }))),
    );
  return [...new Map(grants.map((grant) => [JSON.stringify(grant), grant])).values()];
}

/** Whether a grant is about this call. */
export function covers(grant: Grant, action: string, resource: string, context: RequestContext = {}): boolean {
  return (
    matches(action.toLowerCase(), grant.action.toLowerCase()) &&
    matches(resource, grant.resource) &&
    grant.conditions.every((condition) => isMet(condition, context))
  );
}

/** Identity-based evaluation: an explicit deny wins, then any allow, else nothing allows it. */
export function decide(
  statements: readonly Statement[],
  action: string,
  resource: string,
  context: RequestContext = {},
): Decision {
  const applying = statements.filter(({ actions, resources, conditions }) =>
    actions.some((one) =>
      resources.some((other) => covers({ action: one, resource: other, conditions }, action, resource, context)),
    ),
  );
  if (applying.some(({ allow }) => !allow)) return 'denied';
  return applying.length > 0 ? 'allowed' : 'not allowed';
}
