import { routes } from '../../protocol/routes.ts';
import { excerpt, Refusal } from '../shared/answers/errors.ts';
import { publicRoute } from '../shared/http/route.ts';

/** Everything that no route takes: 405 with `Allow` where the path is known, else 404. */
export const handler = publicRoute(async (event): Promise<never> => {
  const { method, path } = event.requestContext.http;
  const allow = routes.filter((route) => matches(route.path, path)).map((route) => route.method);
  if (allow.length === 0) throw new Refusal('route_unknown', `there is no ${excerpt(path)}`);
  throw new Refusal('method_not_allowed', `${excerpt(path)} does not take ${method}`, { allow: allow.join(', ') });
});

function matches(template: string, path: string): boolean {
  const wanted = template.split('/');
  const given = path.replace(/\/$/, '').split('/');
  return wanted.length === given.length && wanted.every((part, index) => part.startsWith('{') || part === given[index]);
}
