import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { setUpSecondFactor } from '../../../client/service/second-factor.ts';
import { signInWithPassword, signInWithRefreshToken } from '../../../client/service/sign-in.ts';
import { Somebody } from '../../support/person.ts';
import { type Fixture, startFixture } from './fixture.ts';

// The client's sign-in against the local Cognito, whose codes are those of RFC 6238.

const given = 'Given-by-admin-1';
let cloud: Fixture;
beforeAll(async () => {
  cloud = await startFixture();
});
afterAll(() => cloud.stop());

type Mfa = 'OFF' | 'OPTIONAL' | 'ON';
let users = 0;

/** A pool with a user who has his first password. */
async function poolWith(mfa: Mfa) {
  const pool = await cloud.provide('AWS::Cognito::UserPool', `Users${mfa}`, {
    UsernameAttributes: ['email'],
    MfaConfiguration: mfa,
    EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
  });
  const client = await cloud.provide('AWS::Cognito::UserPoolClient', `Client${mfa}`, {
    UserPoolId: pool.ref,
    ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
  });
  const provider = { provider_url: String(pool.attributes.ProviderURL), client_id: client.ref };
  const username = `user${users++}@example.com`;
  await cloud.services.createUser(pool.ref, { username, password: given, temporary: true });
  return { provider, username };
}

/** The time stands still, so that no code is late because the machine is busy. */
function stopClock(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  onTestFinished(() => void vi.useRealTimers());
}

describe('a pool that requires a second factor', () => {
  test('has it set up at the first sign-in, and asks for a code at the next', async () => {
    stopClock();
    const { provider, username } = await poolWith('ON');
    const person = new Somebody();
    const enrol = vi.spyOn(person, 'enrol');
    const { access, refresh } = await signInWithPassword(provider, username, given, person);
    expect(access).toEqual(expect.any(String));
    expect(enrol).toHaveBeenCalledOnce();
    await signInWithRefreshToken(provider, refresh!);

    await signInWithPassword(provider, username, person.password, person);
    expect(enrol).toHaveBeenCalledOnce();
    await expect(signInWithPassword(provider, username, person.password)).rejects.toThrow('has a second factor');
  });

  test('lets nobody in by a wrong code, or by one that was used', async () => {
    stopClock();
    const { provider, username } = await poolWith('ON');
    const person = new Somebody();
    let seen = '';
    const enrol: Somebody['enrol'] = async (key) => (seen = await person.enrol(key));
    const wrong = { ...person, enrol: async () => '000000' };
    await expect(signInWithPassword(provider, username, given, wrong)).rejects.toThrow(
      /code was refused: Code mismatch/,
    );
    await signInWithPassword(provider, username, person.password, { ...person, enrol });
    const answerWith = (code: string) =>
      signInWithPassword(provider, username, person.password, { ...person, code: async () => code });
    await expect(answerWith('000000')).rejects.toThrow(/code was refused: Invalid code received/);
    await expect(answerWith(seen)).rejects.toThrow(/already been used once/);
  });

  test('keeps it, whatever an administrator prefers, until a signed-in device sets up another', async () => {
    stopClock();
    const { provider, username } = await poolWith('ON');
    const person = new Somebody();
    const { access: accessToken } = await signInWithPassword(provider, username, given, person);
    const [old, fresh] = [await person.code(), new Somebody()];
    await setUpSecondFactor(provider, { username, accessToken }, fresh.enrol);
    const withOld = { ...person, code: async () => old };
    await expect(signInWithPassword(provider, username, person.password, withOld)).rejects.toThrow(/code was refused/);
    await signInWithPassword(provider, username, person.password, fresh);
  });
});

describe('a pool that leaves the second factor to its users', () => {
  test('asks for it once it is set up', async () => {
    stopClock();
    const { provider, username } = await poolWith('OPTIONAL');
    const person = new Somebody();
    const { access: accessToken } = await signInWithPassword(provider, username, given, person);
    await signInWithPassword(provider, username, person.password);
    const hasty = setUpSecondFactor(provider, { username, accessToken }, async () => '000000');
    await expect(hasty).rejects.toThrow(/code was refused/);
    await signInWithPassword(provider, username, person.password);

    await setUpSecondFactor(provider, { username, accessToken }, person.enrol);
    await expect(signInWithPassword(provider, username, person.password)).rejects.toThrow('has a second factor');
    await signInWithPassword(provider, username, person.password, person);
  });
});

test('a pool without second factors sets up none', async () => {
  const { provider, username } = await poolWith('OFF');
  const person = new Somebody();
  const { access: accessToken } = await signInWithPassword(provider, username, given, person);
  const set = setUpSecondFactor(provider, { username, accessToken }, person.enrol);
  await expect(set).rejects.toThrow(/has not been enabled by the userPool/);
});

test('an access token of another pool, or none, sets up no second factor', async () => {
  const { provider, username } = await poolWith('OPTIONAL');
  const set = setUpSecondFactor(provider, { username, accessToken: 'e30.e30.e30' }, new Somebody().enrol);
  await expect(set).rejects.toThrow(/Invalid Access Token/);
});
