import { isObject } from '../json.ts';
import { executeApiArn, type GatewayServices, type Integrated, integrate } from './integration.ts';
import type { Api, Route } from './model.ts';
import { askAuthorizer } from './request-authorizer.ts';
import { type Connection, requestContext, requestParts } from './websocket-event.ts';

/** A function's answer as a proxy integration reads it; undefined where it is none. */
function proxyAnswer(integrated: Integrated): { status: number; body: string | undefined } | undefined {
  if (integrated.outcome !== 'answered') return undefined;
  const answer: unknown = JSON.parse(integrated.payload.toString('utf8'));
  if (!isObject(answer) || !Number.isInteger(answer.statusCode)) return undefined;
  const { body, isBase64Encoded } = answer;
  if (typeof body !== 'string') return { status: Number(answer.statusCode), body: undefined };
  const text = isBase64Encoded === true ? Buffer.from(body, 'base64').toString('utf8') : body;
  return { status: Number(answer.statusCode), body: text };
}

/** The route key that an expression such as `$request.body.type` finds in a message. */
function selected(expression: string, body: string): string | undefined {
  const path = expression.match(/^\$\{?request\.body\.([^}]+)\}?$/)?.[1]?.split('.') ?? [];
  try {
    let value: unknown = JSON.parse(body);
    for (const name of path) value = isObject(value) ? value[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The functions behind a WebSocket API's routes, called with the events of a connection. */
export class Routes {
  readonly #api: Api;
  readonly #services: GatewayServices;

  constructor(api: Api, services: GatewayServices) {
    this.#api = api;
    this.#services = services;
  }

  /** The status to refuse a new connection with, or the connection with what its authorizer said. */
  async connect(asked: Connection): Promise<Connection | number> {
    const connect = this.#route('$connect');
    let connection = asked;
    if (connect?.authorizer?.kind === 'REQUEST') {
      const verdict = await askAuthorizer(this.#services, connect.authorizer, asked);
      if (verdict.status !== 200) return verdict.status;
      connection = { ...asked, authorizer: verdict.context };
    }
    if (!connect) return connection;
    const event = {
      ...requestParts(connection.handshake),
      requestContext: requestContext(connection, '$connect', 'CONNECT'),
      isBase64Encoded: false,
    };
    const answer = proxyAnswer(await this.#call(connect, connection, event));
    if (!answer) return 502;
    return answer.status >= 200 && answer.status < 300 ? connection : answer.status;
  }

  /** `send` gets what goes back to the client. */
  async message(connection: Connection, body: string, send: (answer: string) => void): Promise<void> {
    const target = this.#route(selected(this.#api.routeSelection, body) ?? '$default') ?? this.#route('$default');
    const context = requestContext(connection, target?.key ?? '$default', 'MESSAGE');
    const complain = (message: string) =>
      send(JSON.stringify({ message, connectionId: connection.id, requestId: context.requestId }));
    if (!target) return complain('Forbidden');
    const event = { requestContext: { ...context, messageId: context.requestId }, body, isBase64Encoded: false };
    const answer = proxyAnswer(await this.#call(target, connection, event));
    if (!answer) return complain('Internal server error');
    if (target.responds && answer.body !== undefined) send(answer.body);
  }

  async disconnect(connection: Connection, code: number, why: string): Promise<void> {
    const target = this.#route('$disconnect');
    if (!target) return;
    const context = requestContext(connection, '$disconnect', 'DISCONNECT');
    const host = connection.handshake.headers.host ?? '';
    await this.#call(target, connection, {
      headers: { Host: host, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' },
      requestContext: { ...context, disconnectStatusCode: code, disconnectReason: why },
      isBase64Encoded: false,
    });
  }

  #route(key: string): Route | undefined {
    return this.#api.routes.find((candidate) => candidate.key === key);
  }

  #call(target: Route, { stage }: Connection, event: object): Promise<Integrated> {
    return integrate(this.#services, target, executeApiArn(this.#api.id, `${stage}/${target.key}`), event);
  }
}
