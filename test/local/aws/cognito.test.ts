import { randomUUID } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fixture, startFixture } from './fixture.ts';

const USER = { username: 'ada@example.com', password: 'correct Horse 8 battery' };
let cloud: Fixture;
let poolId: string;
let issuer: string;
let clientId: string;

async function providePool(): Promise<void> {
  const pool = await cloud.provide('AWS::Cognito::UserPool', 'Users', {
    UsernameAttributes: ['email'],
    UsernameConfiguration: { CaseSensitive: false },
  });
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
    expect(payload).toMatchObject({ token_use: 'access', client_id: clientId, username: payload.sub, iss: issuer });
    expect(payload.sub).toMatch(/^[0-9a-f-]{36}$/);
    expect((await verify(body.AuthenticationResult.IdToken)).payload.email).toBe(USER.username);
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

describe('the settings of a pool', () => {
  const policy = { MinimumLength: 12, RequireSymbols: true, TemporaryPasswordValidityDays: 7 };
  const makeUser = async (settings: object, user: object) => {
    const { ref } = await cloud.provide('AWS::Cognito::UserPool', randomUUID(), { ...settings });
    return await cloud.services.createUser(ref, { ...USER, ...user });
  };

  test.each<[what: string, settings: object, user: object, refusal: string | undefined]>([
    ['an address where it is the name', { UsernameAttributes: ['email'] }, {}, undefined],
    [
      'a word where the address is the name',
      { UsernameAttributes: ['email'] },
      { username: 'ada' },
      'should be an email',
    ],
    ['an address where it is an alias', { AliasAttributes: ['email'] }, {}, 'Username cannot be of email format'],
    [
      'a user without what is required',
      { Schema: [{ Name: 'email', Required: true }] },
      { username: 'ada' },
      'email: The attribute is required',
    ],
    ['a short password', { Policies: { PasswordPolicy: policy } }, { password: 'short-1' }, 'Password not long enough'],
    [
      'a password without symbols',
      { Policies: { PasswordPolicy: policy } },
      { password: 'LongEnoughForIt1' },
      'Password must have symbol characters',
    ],
    [
      'a password that only the default policy refuses',
      {},
      { password: 'all-lower-1' },
      'must have uppercase characters',
    ],
  ])('say whether it takes %s', async (_, settings, user, refusal) => {
    const made = makeUser(settings, user);
    await (refusal === undefined ? made : expect(made).rejects.toThrow(refusal));
  });

  test('take an address in capitals for the same', async () => {
    expect((await signIn(USER.password, USER.username.toUpperCase())).status).toBe(200);
  });
});

describe('a password that an administrator gave', () => {
  const respond = (session: string, username: string, password: string) =>
    call('RespondToAuthChallenge', {
      ChallengeName: 'NEW_PASSWORD_REQUIRED',
      ClientId: clientId,
      Session: session,
      ChallengeResponses: { USERNAME: username, NEW_PASSWORD: password },
    });

  test('lets in only who replaces it, by one that the policy takes', async () => {
    const username = 'grace@example.com';
    await cloud.services.createUser(poolId, { username, password: USER.password, temporary: true });
    const { body: challenge } = await signIn(USER.password, username);
    expect(challenge.AuthenticationResult).toBeUndefined();
    expect(challenge.ChallengeName).toBe('NEW_PASSWORD_REQUIRED');
    const id = challenge.ChallengeParameters.USER_ID_FOR_SRP;
    expect((await respond(challenge.Session, id, 'weak')).body.__type).toBe('InvalidPasswordException');
    expect((await respond('another', id, 'My own 1st word')).body.__type).toBe('NotAuthorizedException');
    expect((await respond(challenge.Session, 'ada@example.com', 'My own 1st word')).status).toBe(400);
    const chosen = await respond(challenge.Session, id, 'My own 1st word');
    expect(chosen.body.AuthenticationResult.RefreshToken).toEqual(expect.any(String));
    expect((await respond(challenge.Session, id, 'My own 1st word')).status).toBe(400);
    expect((await signIn(USER.password, username)).status).toBe(400);
    expect((await signIn('My own 1st word', username)).body.AuthenticationResult).toBeDefined();
  });

  test('ends after the days of the policy', async () => {
    const { ref } = await cloud.provide('AWS::Cognito::UserPool', 'Impatient', {
      Policies: { PasswordPolicy: { TemporaryPasswordValidityDays: -1 } },
    });
    const client = await cloud.provide('AWS::Cognito::UserPoolClient', 'Impatient', {
      UserPoolId: ref,
      ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH'],
    });
    await cloud.services.createUser(ref, { ...USER, username: 'ada', temporary: true });
    const { body } = await call('InitiateAuth', {
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId: client.ref,
      AuthParameters: { USERNAME: 'ada', PASSWORD: USER.password },
    });
    expect(body.message).toMatch(/^Temporary password has expired/);
  });
});

test('a client that rotates gives another refresh token, and takes the old one no more', async () => {
  const client = await cloud.provide('AWS::Cognito::UserPoolClient', 'Rotating', {
    UserPoolId: poolId,
    ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    RefreshTokenRotation: { Feature: 'ENABLED', RetryGracePeriodSeconds: 0 },
  });
  const { body } = await call('InitiateAuth', {
    AuthFlow: 'USER_PASSWORD_AUTH',
    ClientId: client.ref,
    AuthParameters: { USERNAME: USER.username, PASSWORD: USER.password },
  });
  const { RefreshToken: first } = body.AuthenticationResult;
  const members = { AuthFlow: 'REFRESH_TOKEN_AUTH', ClientId: client.ref, AuthParameters: { REFRESH_TOKEN: first } };
  expect((await call('InitiateAuth', members)).body.message).toContain('use GetTokensFromRefreshToken');
  const rotate = (token: string) => call('GetTokensFromRefreshToken', { ClientId: client.ref, RefreshToken: token });
  const { RefreshToken: second } = (await rotate(first)).body.AuthenticationResult;
  expect(second).not.toBe(first);
  expect((await rotate(first)).body.__type).toBe('NotAuthorizedException');
  expect((await rotate(second)).status).toBe(200);
});
