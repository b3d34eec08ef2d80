import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../../../local/cloud/cloud.ts';
import { loadTls } from '../../../local/tls.ts';
import { FakeServices } from './fake-services.ts';
import { freePorts } from './ports.ts';
import { functionResources, permission, scratch, writeAssembly } from './sample-assembly.ts';

const ECHO = `export const handler = async (event) => {
  const query = event.queryStringParameters ?? {};
  if (query.throw) throw new Error('boom');
  if (query.infer) return { inferred: true };
  if (query.raw) return { statusCode: 201, headers: { 'X-Own': 'yes' }, cookies: ['a=1', 'b=2'], isBase64Encoded: true, body: Buffer.from([1, 2, 255]).toString('base64') };
  if (query.odd) return { statusCode: 'many' };
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) };
};`;

let cloud: Cloud;
let ca: string;
let issuer: string;
let closeIssuer: () => void;
let privateKey: CryptoKey;
const lines: string[] = [];

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  json: () => Record<string, never> & { [key: string]: never };
}

function call(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: Buffer | string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${cloud.urls.api}${path}`, { method, headers, ca }, async (incoming) => {
      const answer = Buffer.concat((await incoming.toArray()) as Buffer[]);
      const json = () => JSON.parse(answer.toString());
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: answer, json });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const claims = { client_id: 'client', token_use: 'access', username: 'demo', list: ['x', 'y'] };
async function token(changes: object = {}, expires: number | string = '1h', by = issuer): Promise<string> {
  const jwt = new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: 'RS256', kid: 'k1' });
  return jwt.setSubject('user-1').setIssuer(by).setIssuedAt().setExpirationTime(expires).sign(privateKey);
}

const route = (key: string, integration: string, more: object = {}) => ({
  Type: 'AWS::ApiGatewayV2::Route',
  Properties: {
    ApiId: { Ref: 'Api' },
    RouteKey: key,
    Target: { 'Fn::Join': ['', ['integrations/', { Ref: integration }]] },
    ...more,
  },
});
const integration = (name: string) => ({
  Type: 'AWS::ApiGatewayV2::Integration',
  Properties: {
    ApiId: { Ref: 'Api' },
    IntegrationType: 'AWS_PROXY',
    IntegrationUri: { 'Fn::GetAtt': [name, 'Arn'] },
    PayloadFormatVersion: '2.0',
  },
});
const jwt = { AuthorizationType: 'JWT', AuthorizerId: { Ref: 'Users' } };
// biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's placeholders
const anywhere = { 'Fn::Sub': 'arn:aws:execute-api:us-east-1:${AWS::AccountId}:${Api}/*/*' };

beforeAll(async () => {
  const data = await scratch();
  const tls = await loadTls(data);
  ca = await readFile(tls.caFile, 'utf8');
  const pair = await generateKeyPair('RS256');
  privateKey = pair.privateKey;
  const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] };
  const server = createServer(tls, (incoming, outgoing) => {
    const isConfiguration = incoming.url?.endsWith('/openid-configuration');
    outgoing.end(JSON.stringify(isConfiguration ? { issuer, jwks_uri: `${issuer}/.well-known/jwks.json` } : jwks));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeIssuer = () => server.close();
  issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}/pool`;

  const assembly = await writeAssembly(
    {
      App: {
        Resources: {
          ...functionResources('Echo'),
          ...functionResources('Forbidden'),
          Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP' } },
          Stage: {
            Type: 'AWS::ApiGatewayV2::Stage',
            Properties: { ApiId: { Ref: 'Api' }, StageName: '$default', AutoDeploy: true },
          },
          Users: {
            Type: 'AWS::ApiGatewayV2::Authorizer',
            Properties: {
              ApiId: { Ref: 'Api' },
              AuthorizerType: 'JWT',
              IdentitySource: ['$request.header.Authorization'],
              JwtConfiguration: { Issuer: issuer, Audience: ['client'] },
            },
          },
          Use: integration('Echo'),
          UseForbidden: integration('Forbidden'),
          May: permission('Echo', 'apigateway.amazonaws.com', anywhere),
          Post: route('POST /things', 'Use', jwt),
          Scoped: route('GET /scoped', 'Use', { ...jwt, AuthorizationScopes: ['admin'] }),
          Open: route('GET /open', 'Use'),
          One: route('DELETE /things/{thing_id}', 'Use'),
          Denied: route('GET /denied', 'UseForbidden'),
          Any: route('$default', 'Use'),
        },
        Outputs: { ApiUrl: { Value: { 'Fn::GetAtt': ['Api', 'ApiEndpoint'] } } },
      },
    },
    { Echo: ECHO, Forbidden: ECHO },
  );
  const startServices = new FakeServices().start;
  cloud = await startCloud({ assembly, data, port: await freePorts(), log: (line) => lines.push(line), startServices });
});
afterAll(async () => {
  await cloud.stop();
  closeIssuer();
});

describe('the event', () => {
  test('is payload format 2.0', async () => {
    expect(cloud.outputs.ApiUrl).toBe(cloud.urls.api);
    const headers = {
      authorization: `Bearer ${await token()}`,
      'content-type': 'application/json',
      cookie: 'a=1; b=2',
      'X-Own': 'yes',
    };
    const { status, json } = await call('POST', '/things?x=1&y=a%20b&x=2', headers, '{"n":1}');
    expect(status).toBe(200);
    expect(json()).toMatchObject({
      version: '2.0',
      routeKey: 'POST /things',
      rawPath: '/things',
      rawQueryString: 'x=1&y=a%20b&x=2',
      cookies: ['a=1', 'b=2'],
      headers: { 'x-own': 'yes', 'x-forwarded-proto': 'https', 'content-length': '7' },
      queryStringParameters: { x: '1,2', y: 'a b' },
      requestContext: {
        accountId: '000000000000',
        authorizer: { jwt: { claims: { sub: 'user-1', client_id: 'client', list: '[x y]' }, scopes: null } },
        http: { method: 'POST', path: '/things', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
        routeKey: 'POST /things',
        stage: '$default',
      },
      body: '{"n":1}',
      isBase64Encoded: false,
    });
    expect(json()).not.toHaveProperty('pathParameters');
  });

  test('carries path parameters, decoded', async () => {
    const { json } = await call('DELETE', '/things/a%20b');
    expect(json()).toMatchObject({ rawPath: '/things/a b', pathParameters: { thing_id: 'a b' } });
    expect(json()).not.toHaveProperty('body');
  });

  test('carries binary bodies as base64', async () => {
    const body = Buffer.from([0, 255, 128]);
    const { json } = await call('PUT', '/blob', { 'content-type': 'application/octet-stream' }, body);
    expect(json()).toMatchObject({ routeKey: '$default', body: body.toString('base64'), isBase64Encoded: true });
  });
});

describe('the answer', () => {
  test('may be inferred, binary, with cookies', async () => {
    const inferred = await call('GET', '/open?infer=1');
    expect([inferred.status, inferred.headers['content-type'], inferred.json()]).toEqual([
      200,
      'application/json',
      { inferred: true },
    ]);
    const raw = await call('GET', '/open?raw=1');
    expect(raw.status).toBe(201);
    expect(raw.body).toEqual(Buffer.from([1, 2, 255]));
    expect(raw.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(raw.headers['x-own']).toBe('yes');
  });

  test('does not say how long its connection is kept, as in AWS', async () => {
    const { headers } = await call('GET', '/open');
    expect(headers.connection).toBe('keep-alive');
    expect(headers['keep-alive']).toBeUndefined();
  });

  test('is 500 for a failed function and for a malformed answer', async () => {
    for (const path of ['/open?throw=1', '/open?odd=1']) {
      const { status, json } = await call('GET', path);
      expect([status, json()]).toEqual([500, { message: 'Internal Server Error' }]);
    }
  });

  test('is 413 over 10 MB, and over what Lambda takes', async () => {
    for (const size of [10 * 1024 * 1024 + 1, 7 * 1024 * 1024]) {
      expect((await call('PUT', '/blob', { 'content-type': 'text/plain' }, Buffer.alloc(size, 'x'))).status).toBe(413);
    }
  });

  test('reaches a client that still sends what is too large', async () => {
    const headers = { 'content-type': 'text/plain', 'content-length': 32 * 1024 * 1024 };
    const outgoing = request(`${cloud.urls.api}/blob`, { method: 'PUT', headers, ca });
    const answered = once(outgoing, 'response');
    const slowly = async function* () {
      for (let sent = 0; sent < 32; sent++) {
        await setTimeout(5);
        yield Buffer.alloc(1024 * 1024, 'x');
      }
    };
    await pipeline(slowly, outgoing);
    const [answer] = await answered;
    expect(answer.statusCode).toBe(413);
  });

  test('is 500 where the function has no permission for the API, which the log names', async () => {
    expect((await call('GET', '/denied')).status).toBe(500);
    expect(lines).toContainEqual(expect.stringContaining('Forbidden may not be invoked for arn:aws:execute-api'));
  });
});

describe('JWTs', () => {
  const challenge = async (bearer: string | undefined, path = '/scoped') => {
    const headers: Record<string, string> = bearer === undefined ? {} : { authorization: bearer };
    const { status, headers: answered, json } = await call('GET', path, headers);
    return [status, json().message, answered['www-authenticate']];
  };

  test('missing, malformed, expired, of another issuer, audience or key: 401', async () => {
    expect(await challenge(undefined)).toEqual([401, 'Unauthorized', 'Bearer']);
    for (const [bad, why] of [
      ['nonsense', 'error="invalid_token"'],
      [await token({}, '-1 min'), 'the token has expired'],
      [await token({}, '1h', 'https://elsewhere'), 'error="invalid_token"'],
      [await token({ client_id: 'other' }), 'audience'],
      [await token({ aud: 'other' }), 'audience'],
      [(await token()).replace(/.{5}$/, 'AAAAA'), 'signature'],
    ]) {
      const [status, message, header] = await challenge(`Bearer ${bad}`);
      expect([status, message]).toEqual([401, 'Unauthorized']);
      expect(header).toContain(why);
    }
  });

  test('without the scope: 403', async () => {
    expect((await challenge(`Bearer ${await token()}`))[0]).toBe(403);
    const scoped = await call('GET', '/scoped', { authorization: await token({ scope: 'admin other' }) });
    expect(scoped.json()).toMatchObject({ requestContext: { authorizer: { jwt: { scopes: ['admin'] } } } });
  });
});
