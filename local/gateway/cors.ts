import type { IncomingMessage } from 'node:http';
import type { HttpResponse } from './http-response.ts';
import type { Cors } from './model.ts';

function admitted(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.some((item) => item.toLowerCase() === value.toLowerCase());
}

/** The headers that API Gateway adds to an answer for a configured origin. */
export function corsHeaders(cors: Cors | undefined, incoming: IncomingMessage): Record<string, string> {
  const origin = incoming.headers.origin;
  if (!cors || origin === undefined || !admitted(cors.origins, origin)) return {};
  return {
    'access-control-allow-origin': cors.origins.includes('*') && !cors.credentials ? '*' : origin,
    ...(cors.credentials && { 'access-control-allow-credentials': 'true' }),
    ...(cors.exposed.length > 0 && { 'access-control-expose-headers': cors.exposed.join(',') }),
  };
}

/** API Gateway answers a preflight itself, before any route or authorizer; undefined if this is none. */
export function preflight(cors: Cors | undefined, incoming: IncomingMessage): HttpResponse | undefined {
  const isPreflight = incoming.method === 'OPTIONS' && incoming.headers['access-control-request-method'] !== undefined;
  if (!cors || !isPreflight) return undefined;
  const headers = {
    ...corsHeaders(cors, incoming),
    'access-control-allow-methods': cors.methods.join(','),
    'access-control-allow-headers': cors.headers.join(','),
    ...(cors.maxAgeSeconds !== undefined && { 'access-control-max-age': String(cors.maxAgeSeconds) }),
  };
  return { status: 204, headers, body: Buffer.alloc(0) };
}
