import { LocalError } from '../errors.ts';
import { isObject, texts } from '../json.ts';
import type { Resource } from '../types.ts';

export interface JwtAuthorizer {
  readonly kind: 'JWT';
  readonly id: string;
  readonly identitySource: string;
  readonly issuer: string;
  readonly audience: readonly string[];
}

export interface RequestAuthorizer {
  readonly kind: 'REQUEST';
  readonly id: string;
  readonly identitySources: readonly string[];
  readonly functionArn: string;
}

export interface Route {
  /** `POST /upload-init`, `$default`, `$connect` … */
  readonly key: string;
  readonly functionArn: string;
  readonly timeoutMs: number;
  readonly authorizer: JwtAuthorizer | RequestAuthorizer | undefined;
  readonly scopes: readonly string[];
  /** WebSocket: whether the function's answer goes back to the client. */
  readonly responds: boolean;
}

export interface Cors {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeSeconds: number | undefined;
}

export interface Api {
  readonly id: string;
  readonly logicalId: string;
  readonly protocol: 'HTTP' | 'WEBSOCKET';
  /** WebSocket: the expression that picks a message's route. */
  readonly routeSelection: string;
  readonly routes: readonly Route[];
  readonly stages: readonly string[];
  readonly cors: Cors | undefined;
}

/** API Gateway's longest wait for an integration: 30 s for HTTP APIs, 29 s for WebSocket APIs. */
const TIMEOUT_MS = { HTTP: 30_000, WEBSOCKET: 29_000 } as const;

function functionIn(uri: unknown, where: string): string {
  const arn = String(uri).match(/arn:[^:]+:lambda:[^:]*:[^:]*:function:[^/:]+(:[^/:]+)?/)?.[0];
  if (!arn)
    throw new LocalError('Template', `${where}: ${String(uri)} is not a Lambda function: only those are run here`);
  return arn;
}

function authorizerOf({ ref, logicalId, properties }: Resource): JwtAuthorizer | RequestAuthorizer {
  const sources = texts(properties.IdentitySource);
  if (properties.AuthorizerType === 'JWT' && isObject(properties.JwtConfiguration)) {
    const { Issuer: issuer, Audience: audience } = properties.JwtConfiguration;
    return {
      kind: 'JWT',
      id: ref,
      identitySource: sources[0] ?? '',
      issuer: String(issuer),
      audience: texts(audience),
    };
  }
  const functionArn = functionIn(properties.AuthorizerUri, `${logicalId}.AuthorizerUri`);
  return { kind: 'REQUEST', id: ref, identitySources: sources, functionArn };
}

function corsOf(value: unknown): Cors | undefined {
  if (!isObject(value)) return undefined;
  return {
    origins: texts(value.AllowOrigins),
    methods: texts(value.AllowMethods),
    headers: texts(value.AllowHeaders),
    exposed: texts(value.ExposeHeaders),
    credentials: value.AllowCredentials === true,
    maxAgeSeconds: value.MaxAge === undefined ? undefined : Number(value.MaxAge),
  };
}

/** Puts the APIs together from the provisioned AWS::ApiGatewayV2 resources. */
export function apisOf(resources: Iterable<Resource>): Api[] {
  const all = [...resources];
  const ofType = (type: string) => all.filter((resource) => resource.type === `AWS::ApiGatewayV2::${type}`);
  return ofType('Api').map((api) => {
    const own = (type: string) => ofType(type).filter(({ properties }) => properties.ApiId === api.ref);
    const protocol = api.properties.ProtocolType === 'WEBSOCKET' ? 'WEBSOCKET' : 'HTTP';
    const authorizers = own('Authorizer').map(authorizerOf);
    const routes = own('Route').map(({ logicalId, properties }): Route => {
      const integration = own('Integration').find(({ ref }) => properties.Target === `integrations/${ref}`);
      if (!integration) throw new LocalError('Template', `${logicalId}.Target: the route has no integration`);
      const authorizer = authorizers.find(({ id }) => id === properties.AuthorizerId);
      const type = properties.AuthorizationType ?? 'NONE';
      if (type !== 'NONE' && !authorizer) {
        throw new LocalError(
          'Template',
          `${logicalId}.AuthorizationType: ${String(type)} is not run by the local cloud`,
        );
      }
      return {
        key: String(properties.RouteKey),
        functionArn: functionIn(integration.properties.IntegrationUri, `${integration.logicalId}.IntegrationUri`),
        timeoutMs: Number(integration.properties.TimeoutInMillis ?? TIMEOUT_MS[protocol]),
        authorizer: type === 'NONE' ? undefined : authorizer,
        scopes: texts(properties.AuthorizationScopes),
        responds: properties.RouteResponseSelectionExpression !== undefined,
      };
    });
    return {
      id: api.ref,
      logicalId: api.logicalId,
      protocol,
      routeSelection: String(api.properties.RouteSelectionExpression ?? ''),
      routes,
      stages: own('Stage').map(({ properties }) => String(properties.StageName)),
      cors: corsOf(api.properties.CorsConfiguration),
    };
  });
}
