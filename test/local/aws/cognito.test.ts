import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fixture, startFixture } from './fixture.ts';

const USER = { username: 'ada@example.com', password: 'correct horse battery' };
let cloud: Fixture;
let poolId: string;
let issuer: string;
let clientId: string;

async function providePool(): Promise<void> {
  const pool = await cloud.provide('AWS::Cognito::UserPool', 'Users', {});
  poolId = pool.ref;
  issuer = String(pool.attributes.ProviderURL);
  const client = await cloud.provide('AWS::Cognito::UserPoolClient', 'Client', {
    UserPoolId: poolId,
    ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    PreventUserExistenceErrors: 'ENABLED',
    AccessTokenValidity: 60,
    TokenValidityUnits: { AccessToken: 'minutes' },
  });
  clientId = client.ref;
}

beforeAll(async () => {
  cloud = await startFixture();
  await providePool();
  await cloud.services.createUser(poolId, USER);
});
afterAll(() => cloud.stop());

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into answers of many shapes
  readonly body: any;
}

async function call(operation: string, members: object): Promise<Answer> {
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `AWSCognitoIdentityProviderService.${operation}`,
  };
  const url = new URL('/', issuer);
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(members) });
  return { status: response.status, body: await response.json() };
}

const signIn = (password = USER.password, username = USER.username) =>
  call('InitiateAuth', {
    AuthFlow: 'USER_PASSWORD_AUTH',
    ClientId: clientId,
    AuthParameters: { USERNAME: username, PASSWORD: password },
  });
const refresh = (token: string) =>
  call('InitiateAuth', {
    AuthFlow: 'REFRESH_TOKEN_AUTH',
    ClientId: clientId,
    AuthParameters: { REFRESH_TOKEN: token },
  });
const verify = (token: string) =>
  jwtVerify(token, createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`)), { issuer });

describe('a user pool', () => {
  test('signs access tokens with the claims of Cognito', async () => {
    const { body } = await signIn();
    const { payload, protectedHeader } = await verify(body.AuthenticationResult.AccessToken);
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload).toMatchObject({ token_use: 'access', client_id: clientId, username: USER.username, iss: issuer });
    expect(payload.sub).toMatch(/^[0-9a-f-]{36}$/);
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
    expect(body.AuthenticationResult).toMatchObject({ ExpiresIn: 3600, TokenType: 'Bearer' });
  });

  test('publishes its OpenID configuration', async () => {
    const response = await fetch(`${issuer}/.well-known/openid-configuration`);
    expect(await response.json()).toMatchObject({ issuer, jwks_uri: `${issuer}/.well-known/jwks.json` });
  });

  test('words a wrong password and an unknown user alike', async () => {
    const wrong = {
      status: 400,
      body: { __type: 'NotAuthorizedException', message: 'Incorrect username or password.' },
    };
    expect(await signIn('guess')).toMatchObject(wrong);
    expect(await signIn(USER.password, 'nobody')).toMatchObject(wrong);
  });

  test('refuses flows that the client does not allow, and clients that do not exist', async () => {
    const flow = await call('InitiateAuth', { AuthFlow: 'USER_SRP_AUTH', ClientId: clientId });
    expect(flow.body.__type).toBe('InvalidParameterException');
    const client = await call('InitiateAuth', { AuthFlow: 'USER_PASSWORD_AUTH', ClientId: 'none' });
    expect(client.body.__type).toBe('ResourceNotFoundException');
  });

  test('refreshes until the token is revoked', async () => {
    const { RefreshToken, AccessToken } = (await signIn()).body.AuthenticationResult;
    const { payload: first } = await verify(AccessToken);
    const refreshed = (await refresh(RefreshToken)).body.AuthenticationResult;
    expect(refreshed.RefreshToken).toBeUndefined();
    const { payload: later } = await verify(refreshed.AccessToken);
    // By these the service knows a sign-in, whichever of its tokens comes.
    const { origin_jti, auth_time } = first;
    expect(later).toMatchObject({ origin_jti, auth_time });
    expect(later.jti).not.toBe(first.jti);
    expect((await verify((await signIn()).body.AuthenticationResult.AccessToken)).payload.origin_jti).not.toBe(
      origin_jti,
    );
    expect((await call('RevokeToken', { ClientId: clientId, Token: RefreshToken })).status).toBe(200);
    expect((await refresh(RefreshToken)).body.__type).toBe('NotAuthorizedException');
  });

  test('keeps its key, users and refresh tokens over a restart', async () => {
    const before = (await signIn()).body.AuthenticationResult;
    const { payload } = await verify(before.AccessToken);
    await cloud.restart();
    await providePool();
    await cloud.services.createUser(poolId, { ...USER, password: 'ignored: the user exists' });
    expect((await verify(before.AccessToken)).payload.sub).toBe(payload.sub);
    expect((await refresh(before.RefreshToken)).status).toBe(200);
    expect((await signIn()).status).toBe(200);
  });
});
