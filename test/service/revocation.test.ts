import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { saveBody } from '../../client/steps/save-body.ts';
import { readSaveBody } from '../../lambdas/save/read-body.ts';
import type { Device, DevicesResponse } from '../../protocol/devices.ts';
import { limits } from '../../protocol/limits.ts';
import { routes } from '../../protocol/routes.ts';
import { type Answer, User } from '../support/user.ts';
import { allChanges, errorOf } from './support/calls.ts';
import { url as api, database, shardOf, signUp } from './support/service.ts';
import { openSocket } from './support/socket.ts';
import { altered, enter, newcomer } from './support/tokens.ts';

const revoke = (user: User, { device }: User) => user.call<Device & { code?: string }>('DELETE', `/devices/${device}`);
const list = async (user: User) => (await user.call<DevicesResponse>('GET', '/devices')).body.devices;
const newDevice = (user: User) => user.call('POST', '/devices', { device_id: randomUUID(), name: 'another' });
const anHourAgo = () => ({ auth_time: Math.floor(Date.now() / 1000) - 3600 });

interface HttpEvent {
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly headers: Record<string, string>;
  readonly requestContext: { readonly http: { readonly method: string } };
  readonly body?: string;
  readonly isBase64Encoded: boolean;
}

/** The calls of test/events, as a device would make them. */
function callsOf(user: User): { name: string; call: () => Promise<Answer> }[] {
  const folder = join(import.meta.dirname, '../events');
  const named = (text: string) => text.replaceAll('22222222-2222-4222-8222-222222222222', user.device);
  return readdirSync(folder).flatMap((file) => {
    const event = JSON.parse(readFileSync(join(folder, file), 'utf8')) as HttpEvent;
    const method = event.requestContext?.http?.method;
    const route = routes.find(({ function: name }) => `${name}.json` === file);
    if (!method || !route || route.path === '/service') return [];
    const path = `${event.rawPath}${event.rawQueryString === '' ? '' : `?${named(event.rawQueryString)}`}`;
    const headers = { 'content-type': event.headers['content-type'] ?? 'application/json' };
    const bodyOf = async (): Promise<Uint8Array | undefined> => {
      if (event.body === undefined) return undefined;
      if (!event.isBase64Encoded) return Buffer.from(named(event.body));
      const bytes = Buffer.from(event.body, 'base64');
      if (route.path !== '/save') return Buffer.from(named(bytes.toString('latin1')), 'latin1');
      const { header, contents } = await readSaveBody(bytes);
      const following = contents.filter((content) => content !== undefined);
      return await saveBody({ ...header, device_id: user.device }, following);
    };
    return [{ name: `${method} ${path}`, call: async () => user.call(method, path, await bodyOf(), headers) }];
  });
}

test('a revoked device is refused on every route, with every token of its sign-in', async () => {
  const { signIn, refresh } = await newcomer();
  const [owner, stolen] = [await enter((await signIn()).AccessToken, 'laptop'), await signIn()];
  const thief = await enter(stolen.AccessToken, 'phone');
  await owner.save('a', randomBytes(10));
  expect((await revoke(owner, thief)).body).toMatchObject({ revoked: true });
  const calls = callsOf(thief);
  expect(calls.length).toBeGreaterThan(12);
  for (const { name, call } of calls) {
    const { status, body } = await call();
    expect({ name, status, body }).toMatchObject({ name, status: 403, body: { code: 'device_revoked' } });
  }
  const later = new User(api, (await refresh(stolen.RefreshToken)).AccessToken);
  for (const user of [thief, later]) {
    errorOf(await newDevice(user), 'device_revoked');
    errorOf(await user.call('GET', '/devices'), 'device_revoked');
    errorOf(await revoke(user, owner), 'device_revoked');
    errorOf(await user.call('POST', '/devices', { device_id: owner.device, name: 'me' }), 'device_revoked');
    errorOf(await user.call('GET', `/changes?device_id=${owner.device}&cursor=0`), 'device_unknown');
  }
  // With the password, which the thief does not have, the device comes back as a new one.
  errorOf(
    await new User(api, (await signIn()).AccessToken).call('POST', '/devices', {
      device_id: thief.device,
      name: 'phone',
    }),
    'device_revoked',
  );
  expect(await allChanges(await enter((await signIn()).AccessToken, 'phone'))).toHaveLength(1);
});

test('what a stolen sign-in registered goes with it, and nothing else', async () => {
  const { signIn } = await newcomer();
  const owner = await enter((await signIn()).AccessToken, 'laptop');
  const { AccessToken: stolen } = await signIn();
  const [thief, second] = [await enter(stolen, 'phone'), await enter(stolen, 'phone 2')];
  const { socket } = await openSocket(second);
  await Promise.all([once(socket, 'close'), revoke(owner, thief)]);
  errorOf(await second.call('GET', `/changes?device_id=${second.device}&cursor=0`), 'device_revoked');
  expect((await list(owner)).map(({ name, revoked }) => [name, revoked])).toEqual([
    ['laptop', false],
    ['phone', true],
    ['phone 2', true],
  ]);
});

test('a sign-in of an hour ago can neither revoke another device nor become it', async () => {
  const { signIn } = await newcomer();
  const [owner, stolen] = [await enter((await signIn()).AccessToken, 'laptop'), (await signIn()).AccessToken];
  await enter(stolen, 'phone');
  const thief = new User(api, await altered(stolen, anHourAgo()));
  errorOf(await revoke(thief, owner), 'fresh_sign_in_required');
  const asOwner = { device_id: owner.device, name: 'mine now' };
  errorOf(await thief.call('POST', '/devices', asOwner), 'fresh_sign_in_required');
  expect((await list(owner)).map(({ name, revoked }) => [name, revoked])).toEqual([
    ['laptop', false],
    ['phone', false],
  ]);
  // Its own it may give up at any time.
  const own = await enter(thief.token, 'phone 2');
  expect((await revoke(thief, own)).status).toBe(200);
});

test('the same device signs in again, and both sign-ins end with it', async () => {
  const { signIn } = await newcomer();
  const owner = await enter((await signIn()).AccessToken, 'laptop');
  const [first, second] = [await enter((await signIn()).AccessToken, 'phone'), await signIn()];
  const again = new User(api, second.AccessToken);
  const changes = `/changes?device_id=${first.device}&cursor=0`;
  errorOf(await again.call('GET', changes), 'device_unknown');
  await again.call('POST', '/devices', { device_id: first.device, name: 'phone' });
  for (const user of [first, again]) expect((await user.call('GET', changes)).status).toBe(200);
  await revoke(owner, first);
  for (const user of [first, again]) errorOf(await newDevice(user), 'device_revoked');
});

test('a sign-in with several devices may revoke one of them and go on, until the last', async () => {
  const { signIn } = await newcomer();
  const { AccessToken } = await signIn();
  const [one, other] = [await enter(AccessToken, 'one'), await enter(AccessToken, 'other')];
  await revoke(one, other);
  errorOf(await other.call('POST', '/ticket', { device_id: other.device }), 'device_revoked');
  expect((await one.call('POST', '/ticket', { device_id: one.device })).status).toBe(200);
  await revoke(one, one);
  errorOf(await newDevice(one), 'device_revoked');
});

test('a revocation says who did it and when: to the device, and in the list', async () => {
  const { signIn } = await newcomer();
  const owner = await enter((await signIn()).AccessToken, 'laptop');
  const phone = await enter((await signIn()).AccessToken, 'phone');
  const { body } = await revoke(owner, phone);
  expect(body).toMatchObject({ revoked: true, revoked_at: expect.any(Number), revoked_by: owner.device });
  expect(await list(owner)).toContainEqual(body);
  const { message } = errorOf(await phone.call('GET', `/changes?device_id=${phone.device}&cursor=0`), 'device_revoked');
  expect(message).toMatch(/^this device was revoked at \d{4}-.* UTC from 'laptop': sign in again/);
});

test('the list of devices stays short, however many were revoked', async () => {
  const user = await signUp();
  const { schema, userId } = shardOf(user);
  await database.query(
    `insert into ${schema}.devices (user_id, device_id, name, revoked_at)
     select $1, gen_random_uuid(), 'old ' || n, now() - n * interval '1 day' from generate_series(1, $2) n`,
    [userId, limits.revokedDevices],
  );
  await revoke(user, await user.addDevice());
  const names = (await list(user)).filter(({ revoked }) => revoked).map(({ name }) => name);
  expect(names).toHaveLength(limits.revokedDevices);
  expect(names).not.toContain(`old ${limits.revokedDevices}`);
});

test('a device keeps its latest sign-ins only', async () => {
  const { signIn } = await newcomer();
  const tokens = [];
  for (let count = 0; count <= limits.signInsPerDevice; count++) tokens.push((await signIn()).AccessToken);
  const first = await enter(tokens[0]!, 'laptop');
  const register = { device_id: first.device, name: 'laptop' };
  for (const token of tokens.slice(1)) await new User(api, token).call('POST', '/devices', register);
  const answers = tokens.map((token) =>
    new User(api, token).call('GET', `/changes?device_id=${first.device}&cursor=0`),
  );
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses).toEqual([403, ...Array(limits.signInsPerDevice).fill(200)]);
});

test("another user's revocation of the same device id closes and keeps out nobody else", async () => {
  const [victim, attacker] = [await signUp(), await signUp()];
  const { socket, next } = await openSocket(victim);
  const twin = Object.assign(new User(api, attacker.token), { device: victim.device });
  await twin.call('POST', '/devices', { device_id: twin.device, name: 'not mine' });
  const theirs = await openSocket(twin);
  await Promise.all([once(theirs.socket, 'close'), revoke(attacker, twin)]);
  socket.send(JSON.stringify({ type: 'ping' }));
  expect(await next()).toEqual({ type: 'pong', missed: 0 });
  socket.close();
  (await openSocket(victim)).socket.close();
});

test('an ID token is no access token', async () => {
  const { signIn } = await newcomer();
  const { AccessToken, IdToken } = await signIn();
  await enter(AccessToken, 'laptop');
  errorOf(await new User(api, IdToken).call('GET', '/devices'), 'unauthorized');
  expect((await new User(api, AccessToken).call('GET', '/devices')).status).toBe(200);
});
