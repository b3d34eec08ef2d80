import type { Route } from './model.ts';

export interface Match {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const parameters: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const name = part.match(/^\{([^+}]+)(\+?)\}$/);
    const value = given[index];
    if (value === undefined) return undefined;
    if (name?.[2] === '+') {
      parameters[name[1] ?? ''] = given.slice(index).join('/');
      return value === '' ? undefined : parameters;
    }
    if (name) {
      if (value === '') return undefined;
      parameters[name[1] ?? ''] = value;
    } else if (part !== value) return undefined;
  }
  return wanted.length === given.length ? parameters : undefined;
}

/** Lower goes first: literal paths, then parameters, then `{proxy+}`, then $default; a method before ANY. */
function rank({ key }: Route): number {
  const [method, path = ''] = key.split(' ');
  if (key === '$default') return 100;
  const byPath = path.includes('+}') ? 20 : path.includes('{') ? 10 : 0;
  return byPath + (method === 'ANY' ? 1 : 0);
}

/** The route that API Gateway picks for a request; `path` is decoded. */
export function matchRoute(routes: readonly Route[], method: string, path: string): Match | undefined {
  return routes
    .toSorted((left, right) => rank(left) - rank(right))
    .map((route): Match | undefined => {
      if (route.key === '$default') return { route, parameters: {} };
      const [wanted, pattern = ''] = route.key.split(' ');
      const parameters = wanted === 'ANY' || wanted === method ? matchPath(pattern, path) : undefined;
      return parameters && { route, parameters };
    })
    .find((match) => match !== undefined);
}
