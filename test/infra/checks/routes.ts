import { routes } from '../../../protocol/routes.ts';
import type { Deployment } from '../deployment.ts';

/** What a client asks before it can sign in, and what answers a route that does not exist. */
const open = ['GET /service', 'GET /install', '$default'];
const authorized = routes.map(({ method, path }) => `${method} ${path}`).filter((key) => !open.includes(key));

/** Routes of the HTTP API that are not those of protocol/routes.ts, or that let in more or fewer than they should. */
export function routeProblems({ template }: Deployment): string[] {
  const deployed = Object.values(template('Api').findResources('AWS::ApiGatewayV2::Route')).map(
    ({ Properties }) => Properties,
  );
  const keys = deployed.map(({ RouteKey }) => String(RouteKey));
  const wanted = [...open, ...authorized];
  return [
    ...wanted.filter((key) => !keys.includes(key)).map((key) => `${key} has no route`),
    ...deployed.flatMap(({ RouteKey: key, AuthorizationType: type, AuthorizerId: id }) => {
      if (open.includes(key)) return type === 'NONE' && !id ? [] : [`${key} demands a token that nobody has yet`];
      if (!authorized.includes(key)) return [`${key} is a route that protocol/routes.ts does not have`];
      return type === 'JWT' && id ? [] : [`${key} has no authorizer: anybody could call it without a token`];
    }),
  ];
}
