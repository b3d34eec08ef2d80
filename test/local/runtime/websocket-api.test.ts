import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Cloud, startCloud } from '../../../local/cloud/cloud.ts';
import { createFrameMeter } from '../../../local/gateway/frames.ts';
import { loadTls } from '../../../local/tls.ts';
import { API_ID_HEADER } from '../../../local/types.ts';
import { FakeServices } from './fake-services.ts';
import { freePorts } from './ports.ts';
import { functionResources, permission, scratch, writeAssembly } from './sample-assembly.ts';

const AUTHORIZE = `export const handler = async ({ type, methodArn, queryStringParameters }) => {
  const { ticket } = queryStringParameters;
  if (ticket === 'throw') throw new Error('Unauthorized');
  const Effect = ticket === 'good' || ticket === 'refused' ? 'Allow' : 'Deny';
  const policyDocument = { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect, Resource: methodArn }] };
  return { principalId: 'user-1', policyDocument, context: { type, ticket, number: 5 } };
};`;
const SOCKET = `export const handler = async ({ requestContext, body }) => {
  const { routeKey, authorizer } = requestContext;
  if (routeKey === '$connect') return { statusCode: authorizer.ticket === 'refused' ? 403 : 200 };
  console.log(JSON.stringify({ level: 'ERROR', message: routeKey + ' ' + (requestContext.disconnectStatusCode ?? '') }));
  if (body === 'fail') throw new Error('no');
  return { statusCode: 200, body: JSON.stringify({ routeKey, authorizer, body, id: requestContext.connectionId }) };
};`;

const api = { ApiId: { Ref: 'Api' } };
const functionUri = (name: string) => ({
  'Fn::Join': [
    '',
    ['arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/', { 'Fn::GetAtt': [name, 'Arn'] }, '/invocations'],
  ],
});
const route = (RouteKey: string, more: object = {}) => ({
  Type: 'AWS::ApiGatewayV2::Route',
  Properties: { ...api, RouteKey, Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Use' }]] }, ...more },
});
const responds = { RouteResponseSelectionExpression: '$default' };
const from = (rest: string) => ({
  'Fn::Join': ['', ['arn:aws:execute-api:us-east-1:000000000000:', { Ref: 'Api' }, rest]],
});

const services = new FakeServices();
const lines: string[] = [];
const callbacks: { url: string | undefined; host: string | undefined; api: unknown; body: string }[] = [];
let cloud: Cloud;
let ca: string;
let callbackServer: Server;

beforeAll(async () => {
  const data = await scratch();
  const tls = await loadTls(data);
  ca = await readFile(tls.caFile, 'utf8');
  callbackServer = createServer(tls, async (incoming, outgoing) => {
    const body = Buffer.concat((await incoming.toArray()) as Buffer[]).toString();
    const { url, headers } = incoming;
    callbacks.push({ url, host: headers.host, api: headers[API_ID_HEADER], body });
    outgoing.writeHead(410).end('gone');
  });
  await new Promise<void>((resolve) => callbackServer.listen(0, '127.0.0.1', resolve));
  services.endpoints.EXECUTE_API = `https://127.0.0.1:${(callbackServer.address() as AddressInfo).port}`;
  const Resources = {
    ...functionResources('Socket'),
    ...functionResources('Authorize'),
    Api: {
      Type: 'AWS::ApiGatewayV2::Api',
      Properties: { ProtocolType: 'WEBSOCKET', RouteSelectionExpression: '$request.body.type' },
    },
    Stage: { Type: 'AWS::ApiGatewayV2::Stage', Properties: { ...api, StageName: 'live' } },
    Ticket: {
      Type: 'AWS::ApiGatewayV2::Authorizer',
      Properties: {
        ...api,
        AuthorizerType: 'REQUEST',
        AuthorizerUri: functionUri('Authorize'),
        IdentitySource: ['route.request.querystring.ticket'],
      },
    },
    Use: { Type: 'AWS::ApiGatewayV2::Integration', Properties: { ...api, IntegrationUri: functionUri('Socket') } },
    Connect: route('$connect', { AuthorizationType: 'CUSTOM', AuthorizerId: { Ref: 'Ticket' } }),
    Disconnect: route('$disconnect'),
    Default: route('$default', responds),
    Quiet: route('quiet'),
    MayAuthorize: permission('Authorize', 'apigateway.amazonaws.com', from('/authorizers/*')),
    MayUse: permission('Socket', 'apigateway.amazonaws.com', from('/live/*')),
  };
  const assembly = await writeAssembly({ App: { Resources } }, { Socket: SOCKET, Authorize: AUTHORIZE });
  const log = (line: string) => lines.push(line);
  cloud = await startCloud({ assembly, data, port: await freePorts(), log, startServices: services.start });
});
afterAll(async () => {
  await cloud.stop();
  callbackServer.close();
});

/** Opens a socket; the status where the handshake is refused. */
function open(query: string): Promise<WebSocket | number> {
  const socket = new WebSocket(`${cloud.urls.socket}${query}`, { ca });
  return new Promise((resolve) => {
    socket.once('open', () => resolve(socket));
    socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
    socket.once('error', () => undefined);
  });
}
async function connect(): Promise<WebSocket> {
  const socket = await open('?ticket=good');
  if (typeof socket === 'number') throw new Error(`refused with ${socket}`);
  return socket;
}
const nextMessage = (socket: WebSocket) =>
  new Promise<Record<string, unknown>>((resolve) =>
    socket.once('message', (data) => resolve(JSON.parse(String(data)))),
  );
const closeCode = (socket: WebSocket) =>
  new Promise<number>((resolve) => socket.once('close', (code) => resolve(code)));

describe('the handshake', () => {
  test('without its identity source is refused without asking', async () => {
    expect(await open('')).toBe(401);
    expect(await open('?ticket=')).toBe(401);
    expect(lines.join()).not.toContain('Authorize: cold start');
  });

  test('is refused by the policy, by the authorizer’s error and by $connect', async () => {
    expect(await open('?ticket=bad')).toBe(403);
    expect(await open('?ticket=throw')).toBe(401);
    expect(await open('?ticket=refused')).toBe(403);
  });
});

test('messages go to their route, with the authorizer’s context, and the answer comes back where a response is set', async () => {
  const socket = await connect();
  const answer = nextMessage(socket);
  socket.send('{"type":"quiet"}');
  socket.send('{"type":"ping"}');
  expect(await answer).toMatchObject({
    routeKey: '$default',
    body: '{"type":"ping"}',
    authorizer: { principalId: 'user-1', ticket: 'good', type: 'REQUEST', number: '5' },
  });
  await expect.poll(() => lines).toContainEqual('Socket: quiet ');
  const failure = nextMessage(socket);
  socket.send('fail');
  expect(await failure).toMatchObject({ message: 'Internal server error', connectionId: expect.any(String) });
  socket.close(1000);
  await expect.poll(() => lines).toContainEqual('Socket: $disconnect 1000');
});

test('the connections of half B: post, get, close, gone', async () => {
  const socket = await connect();
  const [answer] = [nextMessage(socket)];
  socket.send('hello');
  const id = String((await answer).id);
  const { connections } = services.options!;
  const apiId = await apiIdOfCallback();
  const pushed = nextMessage(socket);
  expect(await connections.post(apiId, 'live', id, Buffer.from('{"pushed":true}'))).toBe('sent');
  expect(await pushed).toEqual({ pushed: true });
  expect(await connections.post('other', 'live', id, Buffer.from('x'))).toBe('gone');
  expect(await connections.get(apiId, 'live', id)).toMatchObject({ sourceIp: '127.0.0.1' });
  const closed = closeCode(socket);
  expect(await connections.close(apiId, 'live', id)).toBe('closed');
  expect(await closed).toBe(1000);
  await expect.poll(() => connections.post(apiId, 'live', id, Buffer.from('x'))).toBe('gone');
});

/** Calls @connections at the gateway's address and answers what it was passed on as. */
async function apiIdOfCallback(): Promise<string> {
  const { request } = await import('node:https');
  const url = new URL(`${cloud.urls.socket.replace('wss', 'https')}/@connections/abc%3D`);
  const status = await new Promise((resolve) => {
    request(url, { method: 'POST', ca }, (answer) => resolve(answer.resume().statusCode)).end('payload');
  });
  expect(status).toBe(410);
  const seen = callbacks.at(-1);
  expect(seen).toMatchObject({ url: '/live/@connections/abc%3D', host: url.host, body: 'payload' });
  return String(seen?.api);
}

test('messages over 128 KB and frames over 32 KB close the connection with 1009', async () => {
  const frames = await connect();
  const closedByFrame = closeCode(frames);
  frames.send('x'.repeat(33 * 1024));
  expect(await closedByFrame).toBe(1009);
  const messages = await connect();
  const closedByMessage = closeCode(messages);
  for (let part = 0; part < 5; part++) messages.send('x'.repeat(30 * 1024), { fin: part === 4 });
  expect(await closedByMessage).toBe(1009);
});

test('the frame meter reads headers that come in any pieces', () => {
  const frame = (length: number) => {
    const extended = length > 65_535 ? 8 : length > 125 ? 2 : 0;
    const header = Buffer.alloc(2 + extended + 4);
    header[1] = 0x80 | (extended === 8 ? 127 : extended === 2 ? 126 : length);
    if (extended === 2) header.writeUInt16BE(length, 2);
    if (extended === 8) header.writeBigUInt64BE(BigInt(length), 2);
    return Buffer.concat([header, Buffer.alloc(length)]);
  };
  for (const step of [1, 3, 7, 1000, 1_000_000]) {
    let hits = 0;
    const meter = createFrameMeter(1000, () => hits++);
    const stream = Buffer.concat([0, 5, 125, 126, 1000, 1001, 70_000, 3].map(frame));
    for (let at = 0; at < stream.length; at += step) meter(stream.subarray(at, at + step));
    expect(hits).toBe(2);
  }
});
