import { decide, parsePolicy } from '../iam/policy.ts';
import { isObject } from '../json.ts';
import { executeApiArn, type GatewayServices, integrate } from './integration.ts';
import type { RequestAuthorizer } from './model.ts';
import { type Connection, requestContext, requestParts } from './websocket-event.ts';

export type Verdict =
  | { readonly status: 200; readonly context: Readonly<Record<string, unknown>> }
  | { readonly status: 401 | 403 | 500 };

/** API Gateway waits this long for an authorizer. */
const TIMEOUT_MS = 10_000;

function identity({ handshake }: Connection, source: string): string | undefined {
  const [, where, name = ''] = source.match(/^route\.request\.(header|querystring)\.(.+)$/) ?? [];
  const query = new URLSearchParams((handshake.url ?? '').split('?')[1] ?? '');
  const value = where === 'querystring' ? query.get(name) : handshake.headersDistinct[name.toLowerCase()]?.[0];
  return value || undefined;
}

/**
 * Asks a REQUEST authorizer whether a connection may be made. A missing identity source is refused without asking, as
 * API Gateway does.
 */
export async function askAuthorizer(
  services: GatewayServices,
  authorizer: RequestAuthorizer,
  connection: Connection,
): Promise<Verdict> {
  if (authorizer.identitySources.some((source) => identity(connection, source) === undefined)) return { status: 401 };
  const started = Date.now();
  const methodArn = executeApiArn(connection.apiId, `${connection.stage}/$connect`);
  const event = {
    type: 'REQUEST',
    methodArn,
    ...requestParts(connection.handshake),
    requestContext: requestContext(connection, '$connect', 'CONNECT'),
  };
  const source = executeApiArn(connection.apiId, `authorizers/${authorizer.id}`);
  const target = { functionArn: authorizer.functionArn, timeoutMs: TIMEOUT_MS };
  const integrated = await integrate(services, target, source, event);
  if (integrated.outcome !== 'answered') return { status: integrated.unauthorized === true ? 401 : 500 };
  const answer: unknown = JSON.parse(integrated.payload.toString('utf8'));
  if (!isObject(answer) || typeof answer.principalId !== 'string' || !isObject(answer.policyDocument)) {
    services.log(`gateway: the authorizer ${authorizer.functionArn.split(':').at(-1)} answered no policy`);
    return { status: 500 };
  }
  const statements = parsePolicy(answer.policyDocument, 'the answer of the authorizer');
  if (decide(statements, 'execute-api:Invoke', methodArn) !== 'allowed') return { status: 403 };
  const given = Object.entries(isObject(answer.context) ? answer.context : {});
  const context = Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
  return {
    status: 200,
    context: { ...context, principalId: answer.principalId, integrationLatency: Date.now() - started },
  };
}
