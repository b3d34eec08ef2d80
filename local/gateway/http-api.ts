import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { readBody } from '../body.ts';
import { reason } from '../errors.ts';
import { keepConnections } from '../keep-connections.ts';
import { corsHeaders, preflight } from './cors.ts';
import { httpEvent } from './http-event.ts';
import { type HttpResponse, parseResponse, plainMessage } from './http-response.ts';
import { executeApiArn, type GatewayServices, type Integrated, integrate } from './integration.ts';
import { createVerifier, type JwtVerifier, TokenRefused } from './jwt.ts';
import type { Api, Route } from './model.ts';
import { matchRoute } from './routes.ts';

/** API Gateway's limits, in bytes: 10 MB of body; request line and headers together. */
const MAX_BODY = 10 * 1024 * 1024;
const MAX_HEADERS = 10_240;

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** `/stage/path` belongs to a named stage, everything else to $default; undefined if there is no such stage. */
function stageOf(api: Api, path: string): { stage: string; path: string } | undefined {
  const named = api.stages.find((stage) => path === `/${stage}` || path.startsWith(`/${stage}/`));
  if (named) return { stage: named, path: path.slice(named.length + 1) || '/' };
  return api.stages.includes('$default') ? { stage: '$default', path } : undefined;
}

function identity(incoming: IncomingMessage, source: string, query: string): string | undefined {
  const [, where, name = ''] = source.match(/^\$request\.(header|querystring)\.(.+)$/) ?? [];
  const value =
    where === 'header' ? incoming.headersDistinct[name.toLowerCase()]?.[0] : new URLSearchParams(query).get(name);
  return value?.replace(/^Bearer /i, '') || undefined;
}

function answerOf(integrated: Integrated): HttpResponse {
  switch (integrated.outcome) {
    case 'answered':
      return parseResponse(integrated.payload) ?? plainMessage(500, 'Internal Server Error');
    case 'busy':
    case 'late':
      return plainMessage(503, 'Service Unavailable');
    case 'too large':
      return plainMessage(413, 'Request Entity Too Large');
    default:
      return plainMessage(500, 'Internal Server Error');
  }
}

/** An HTTP API as API Gateway runs it: routes, JWT authorizers, payload format 2.0, limits. Not yet listening. */
export function createHttpApi(api: Api, services: GatewayServices): Server {
  const verifiers = new Map<string, JwtVerifier>();
  const authorize = async ({ authorizer, scopes }: Route, incoming: IncomingMessage, query: string) => {
    if (authorizer?.kind !== 'JWT') return undefined;
    const verifier = verifiers.get(authorizer.id) ?? createVerifier(authorizer, services.tls.ca);
    verifiers.set(authorizer.id, verifier);
    return verifier.verify(identity(incoming, authorizer.identitySource, query), scopes);
  };

  const respond = async (incoming: IncomingMessage, requestId: string): Promise<HttpResponse> => {
    const early = preflight(api.cors, incoming);
    if (early) return early;
    const [rawPath = '/', ...rest] = (incoming.url ?? '/').split('?');
    const query = rest.join('?');
    const path = decodePath(rawPath);
    const staged = stageOf(api, path);
    const match = staged && matchRoute(api.routes, incoming.method ?? 'GET', staged.path);
    if (!match) return plainMessage(404, 'Not Found');
    const jwt = await authorize(match.route, incoming, query);
    const body = await readBody(incoming, MAX_BODY);
    if (!body) return plainMessage(413, 'Request Entity Too Large');
    const { stage } = staged;
    const event = httpEvent({ incoming, body, requestId, apiId: api.id, stage, path, query, match, jwt });
    const resource = match.route.key === '$default' ? '$default' : match.route.key.replace(' ', '');
    return answerOf(await integrate(services, match.route, executeApiArn(api.id, `${stage}/${resource}`), event));
  };

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const requestId = randomBytes(11).toString('base64');
    const response = await respond(incoming, requestId).catch((error: unknown) => {
      if (error instanceof TokenRefused) {
        const message = error.status === 401 ? 'Unauthorized' : 'Forbidden';
        return plainMessage(error.status, message, { 'www-authenticate': error.challenge });
      }
      services.log(`gateway: ${incoming.method} ${incoming.url?.split('?')[0]}: ${reason(error)}`);
      return plainMessage(500, 'Internal Server Error');
    });
    const headers = { ...response.headers, ...corsHeaders(api.cors, incoming), 'apigw-requestid': requestId };
    outgoing.writeHead(response.status, { ...headers, 'content-length': response.body.length });
    outgoing.end(incoming.method === 'HEAD' ? undefined : response.body);
    // What is left of a refused body is read and dropped, so that the client sees the answer and not a reset.
    incoming.resume();
  };

  const server = createServer({ ...services.tls, maxHeaderSize: MAX_HEADERS }, (incoming, outgoing) => {
    handle(incoming, outgoing).catch((error: unknown) => {
      services.log(`gateway: ${reason(error)}`);
      outgoing.destroy();
    });
  });
  return keepConnections(server);
}
