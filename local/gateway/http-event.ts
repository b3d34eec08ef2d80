import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ACCOUNT } from '../types.ts';
import type { Claims } from './jwt.ts';
import type { Match } from './routes.ts';

export interface HttpRequest {
  readonly incoming: IncomingMessage;
  readonly body: Buffer;
  readonly requestId: string;
  readonly apiId: string;
  readonly stage: string;
  /** Decoded, with the stage's prefix where it has one. */
  readonly path: string;
  readonly query: string;
  readonly match: Match;
  readonly jwt: { readonly claims: Claims; readonly scopes: string[] | null } | undefined;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `12/Mar/2026:19:03:58 +0000` */
export function clockTime(date: Date): string {
  const [day, time] = date.toISOString().split('T') as [string, string];
  const [year, month, dayOfMonth] = day.split('-');
  return `${dayOfMonth}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
}

/** Text reaches a function as it is; everything else, and whatever is compressed, as base64. */
function isText(incoming: IncomingMessage): boolean {
  if (incoming.headers['content-encoding'] !== undefined) return false;
  const type = incoming.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? 'text/plain';
  return type.startsWith('text/') || /^application\/(json|javascript|xml|.+\+(json|xml))$/.test(type);
}

function headersOf(incoming: IncomingMessage): Record<string, string> {
  const given = Object.entries(incoming.headersDistinct).filter(([name]) => name !== 'cookie');
  return {
    ...Object.fromEntries(given.map(([name, values]) => [name, (values ?? []).join(',')])),
    'x-amzn-trace-id': `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`,
    'x-forwarded-for': incoming.socket.remoteAddress ?? '',
    'x-forwarded-port': String(incoming.socket.localPort ?? ''),
    'x-forwarded-proto': 'https',
  };
}

function queryOf(query: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    parameters[name] = name in parameters ? `${parameters[name]},${value}` : value;
  }
  return parameters;
}

/** The event of payload format 2.0; what a request does not have is absent, as in API Gateway's events. */
export function httpEvent(request: HttpRequest): object {
  const { incoming, body, match, query, stage, jwt } = request;
  const now = new Date();
  const host = incoming.headers.host ?? '';
  const text = isText(incoming);
  const cookies = (incoming.headersDistinct.cookie ?? []).flatMap((line) => line.split('; '));
  return {
    version: '2.0',
    routeKey: match.route.key,
    rawPath: request.path,
    rawQueryString: query,
    ...(cookies.length > 0 && { cookies }),
    headers: headersOf(incoming),
    ...(query !== '' && { queryStringParameters: queryOf(query) }),
    requestContext: {
      accountId: ACCOUNT,
      apiId: request.apiId,
      ...(jwt && { authorizer: { jwt } }),
      domainName: host.split(':')[0],
      domainPrefix: request.apiId,
      http: {
        method: incoming.method,
        path: request.path,
        protocol: `HTTP/${incoming.httpVersion}`,
        sourceIp: incoming.socket.remoteAddress ?? '',
        userAgent: incoming.headers['user-agent'] ?? '',
      },
      requestId: request.requestId,
      routeKey: match.route.key,
      stage,
      time: clockTime(now),
      timeEpoch: now.getTime(),
    },
    ...(Object.keys(match.parameters).length > 0 && { pathParameters: match.parameters }),
    ...(body.length > 0 && { body: body.toString(text ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !text,
  };
}
