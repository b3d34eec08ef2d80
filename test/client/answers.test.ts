import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ClientError } from '../../client/common/errors.ts';
import { type Api, createApi } from '../../client/service/api.ts';
import { trust } from '../../client/service/config.ts';
import { type ServiceError, Unreachable } from '../../client/service/errors.ts';
import { findService } from '../../client/service/find-service.ts';
import { signInWithPassword, signInWithRefreshToken } from '../../client/service/sign-in.ts';
import { endsSignIn } from '../../client/steps/classify.ts';
import { loadTls } from '../../local/tls.ts';
import { type ErrorCode, errorStatus } from '../../protocol/errors.ts';
import { temporaryFolder } from './folder.ts';

/*
 * What whoever answers may say, and what the client makes of it. Only this service ends a session or fails a file;
 * everything else is an outage.
 */

type Answer = (response: ServerResponse) => void;

const says =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
const page = '<html><title>Welcome</title>\n<body>Accept the <b>terms</b>.</body></html>';

/** Of proxies, portals, firewalls, and gateways that are being deployed or are overrun. */
const ofOthers: readonly (readonly [name: string, answer: Answer])[] = [
  ['200 HTML', says(200, page, { 'content-type': 'text/html' })],
  ['200 nothing', says(200, '')],
  ['204', says(204, '')],
  ['200 {}', says(200, {})],
  ['200 null', says(200, null)],
  ['200 other JSON', says(200, { status: 'ok', items: [] })],
  ['200 half an answer', says(200, '{"devices":[')],
  [
    'an answer that is cut',
    (response) => void response.writeHead(200, { 'content-length': 99 }).write('{"', () => response.destroy()),
  ],
  ['no answer', (response) => void response.destroy()],
  ['302 elsewhere', says(302, '', { location: 'https://127.0.0.1:9/' })],
  ['302 to a page', says(302, page, { location: '/portal' })],
  ['400 HTML', says(400, page)],
  ['400 of the gateway', says(400, { message: 'Bad Request' })],
  ['401 HTML', says(401, page)],
  ['403 of the gateway', says(403, { message: 'Forbidden' })],
  ['403 HTML', says(403, page)],
  ['404 of the gateway', says(404, { message: 'Not Found' })],
  ['404 text', says(404, 'Not Found')],
  ['407', says(407, page, { 'proxy-authenticate': 'Basic' })],
  ['408', says(408, '')],
  ['413', says(413, { message: 'Request Too Long' })],
  ['429 of the gateway', says(429, { message: 'Too Many Requests' })],
  ['451', says(451, page)],
  ['500 HTML', says(500, page)],
  ['502', says(502, page)],
  ['503 of the gateway', says(503, { message: 'Service Unavailable' })],
  ['504', says(504, { message: 'Endpoint request timed out' })],
  ['511', says(511, page)],
  ['a code that is none of ours', says(403, { code: 'blocked', message: 'by policy' })],
  ['200 with a code of ours', says(200, { code: 'device_revoked', message: 'no' })],
];

/** Waits between attempts are not what is tested here. */
beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
});

/** A server that gives one answer to everything. Returns its address, and counts the requests. */
async function serve(answer: Answer): Promise<{ readonly url: string; readonly asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    request.resume().on('end', () => answer(response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}

const id = '00000000-0000-4000-8000-000000000000';
const commit = { request_id: id, device_id: id };

/** Every call there is. */
const calls: { readonly [Route in keyof Api]: (api: Api) => Promise<unknown> } = {
  registerDevice: (api) => api.registerDevice({ device_id: id, name: 'desk' }),
  devices: (api) => api.devices(),
  revokeDevice: (api) => api.revokeDevice(id),
  uploadInit: (api) => api.uploadInit({ upload_id: id, device_id: id, files: [] }),
  packs: (api) => api.packs({ device_id: id, packs: [] }),
  prove: (api) => api.prove({ upload_id: id, device_id: id, proofs: [] }),
  applyDeltas: (api) => api.applyDeltas(new Uint8Array(8)),
  finalize: (api) => api.finalize({ upload_id: id, device_id: id }),
  save: (api) => api.save(new Uint8Array(8)),
  remove: (api) => api.remove({ ...commit, files: [] }),
  move: (api) => api.move({ ...commit, moves: [] }),
  restore: (api) => api.restore({ ...commit, files: [] }),
  download: (api) => api.download({ device_id: id, files: [] }),
  ticket: (api) => api.ticket(id),
  damage: (api) => api.damage(id),
  heal: (api) => api.heal({ device_id: id, hashes: [] }),
  changes: (api) => api.changes(id, 0),
  tree: (api) => api.tree(id),
  compare: (api) => api.compare(id, 0),
  history: (api) => api.history(id, 'a'),
};

/** What each call ends with. */
async function failures(url: string, onAttempt?: (failure?: Unreachable) => void): Promise<Map<string, unknown>> {
  const api = createApi(url, { token: async () => 'token' }, { ...(onAttempt && { onAttempt }) });
  const outcome = async ([route, call]: [string, (api: Api) => Promise<unknown>]): Promise<[string, unknown]> => [
    route,
    await call(api).then(
      () => 'no failure',
      (error) => error,
    ),
  ];
  return new Map(await Promise.all(Object.entries(calls).map(outcome)));
}

describe('a call', () => {
  test.each(ofOthers)('gets %s: an outage, after four attempts, on every route', async (_, answer) => {
    const { url, asked } = await serve(answer);
    const attempts: (Unreachable | undefined)[] = [];
    for (const [route, failure] of await failures(url, (attempt) => attempts.push(attempt))) {
      expect(failure, route).toBeInstanceOf(Unreachable);
    }
    expect(asked()).toBe(4 * Object.keys(calls).length);
    expect(attempts.every((attempt) => attempt instanceof Unreachable)).toBe(true);
  });

  test('names what answered in place of the service', async () => {
    const { url } = await serve(says(403, page));
    const message = 'a proxy or portal answered instead of the service: 403, “Welcome Accept the terms .”';
    const failure = (await failures(url)).get('changes');
    expect(failure).toBeInstanceOf(Unreachable);
    expect(failure).toMatchObject({ message });
  });

  const codes = Object.entries(errorStatus) as [ErrorCode, number][];
  test.each(codes)('gets %s of this service: what it says, on every route', async (code, status) => {
    const { url } = await serve(says(status, { code, message: 'so it is', details: { size: 1 } }));
    for (const [route, failure] of await failures(url)) {
      if (status === 429 || status > 500) expect(failure, route).toBeInstanceOf(Unreachable);
      else expect(failure, route).toMatchObject({ name: 'ServiceError', code, status, details: { size: 1 } });
    }
  });

  test('of an old token ends the session once a new one is refused as well, which the gateway says', async () => {
    const { url, asked } = await serve(says(401, { message: 'Unauthorized' }));
    const failure = (await failures(url)).get('changes');
    expect(failure).toMatchObject({ code: 'unauthorized', status: 401 });
    expect(endsSignIn(failure as ServiceError)).toBe(true);
    expect(asked()).toBe(2 * Object.keys(calls).length);
  });

  test('that breaks a function, which the gateway says, concerns its files alone, and names the request', async () => {
    const { url } = await serve(says(500, { message: 'Internal Server Error' }, { 'apigw-requestid': 'Abc123=' }));
    const failure = (await failures(url)).get('finalize');
    expect(failure).toMatchObject({ name: 'ServiceError', code: 'internal' });
    expect((failure as Error).message).toContain('(request Abc123=)');
  });

  test('what the user can mend himself names no request', async () => {
    const { url } = await serve(
      says(404, { code: 'not_found', message: 'no such version' }, { 'apigw-requestid': 'A=' }),
    );
    expect((await failures(url)).get('history')).toMatchObject({ message: 'no such version' });
  });
});

describe('a sign-in', () => {
  const cognito = (status: number, type: string): Answer => says(status, { __type: type, message: 'No.' });
  const provider = (url: string) => ({ provider_url: url, client_id: 'c' });
  const failureOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'no failure',
      (error) => error,
    );

  test.each([
    ...ofOthers,
    ['an internal error', cognito(500, 'InternalErrorException')],
    ['the limit', cognito(400, 'LimitExceededException')],
  ] as const)('gets %s: an outage', async (_, answer) => {
    const { url, asked } = await serve(answer);
    expect(await failureOf(signInWithRefreshToken(provider(url), 'r'))).toBeInstanceOf(Unreachable);
    expect(await failureOf(signInWithPassword(provider(url), 'u', 'p'))).toBeInstanceOf(Unreachable);
    expect(asked()).toBe(8);
  });

  test('does not end with the throttle, which is a 400', async () => {
    const { url } = await serve(cognito(400, 'TooManyRequestsException'));
    expect(await failureOf(signInWithRefreshToken(provider(url), 'r'))).toBeInstanceOf(Unreachable);
    expect(await failureOf(signInWithPassword(provider(url), 'u', 'p'))).toBeInstanceOf(Unreachable);
  });

  test.each(['NotAuthorizedException', 'com.amazonaws.cognito#UserNotFoundException'])(
    'has ended with %s',
    async (type) => {
      const { url, asked } = await serve(cognito(400, type));
      const refused = { name: 'ClientError', code: 'sign_in_refused' };
      expect(await failureOf(signInWithRefreshToken(provider(url), 'r'))).toMatchObject(refused);
      expect(await failureOf(signInWithPassword(provider(url), 'u', 'p'))).toMatchObject(refused);
      expect(asked()).toBe(2);
    },
  );

  test('goes on waiting for what is wrong with the pool, but says so to who types a password', async () => {
    const { url } = await serve(cognito(400, 'PasswordResetRequiredException'));
    expect(await failureOf(signInWithRefreshToken(provider(url), 'r'))).toBeInstanceOf(Unreachable);
    expect(await failureOf(signInWithPassword(provider(url), 'u', 'p'))).toBeInstanceOf(ClientError);
  });
});

describe('looking for the service', () => {
  let certified: ReturnType<typeof loadTls> | undefined;
  const found = async (answer: Answer): Promise<unknown> => {
    certified ??= loadTls(await temporaryFolder());
    const tls = await certified;
    trust(tls.ca);
    const server = createTlsServer(tls, (_, response) => answer(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close().closeAllConnections());
    return findService(`https://127.0.0.1:${(server.address() as AddressInfo).port}`).catch((error) => error);
  };

  test.each(ofOthers)('gets %s: none answers', async (_, answer) => {
    expect(await found(answer)).toMatchObject({ name: 'ClientError', code: 'unreachable', exitCode: 5 });
  });

  test.each([
    ['a service that says other things', says(200, { api_url: 'https://127.0.0.1/' })],
    ['one that knows no such route', says(404, { code: 'route_unknown', message: 'there is no /service' })],
  ])('finds %s', async (_, answer) => {
    expect(await found(answer)).toMatchObject({ name: 'ClientError', code: 'bad_service', exitCode: 1 });
  });
});
