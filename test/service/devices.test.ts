import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { limits } from '../../protocol/limits.ts';
import { allChanges, errorOf } from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';
import { openSocket } from './support/socket.ts';

test('a device registers once, and again only to take another name', async () => {
  const user = await signUp();
  const body = { device_id: user.device, name: 'renamed' };
  expect((await user.call('POST', '/devices', body)).body).toMatchObject({ ...body, revoked: false });
  const upper = { device_id: user.device.toUpperCase(), name: 'again' };
  expect((await user.call('POST', '/devices', upper)).body).toMatchObject({ device_id: user.device, name: 'again' });
  const { body: list } = await user.call<{ devices: object[] }>('GET', '/devices');
  expect(list.devices).toHaveLength(1);
});

test('a user has at most 50 devices, also when some register at once; revoked ones make room', async () => {
  const user = await signUp();
  const { schema, userId } = shardOf(user);
  await database.query(
    `insert into ${schema}.devices (user_id, device_id, name)
     select $1, gen_random_uuid(), 'one of many' from generate_series(1, $2)`,
    [userId, limits.devicesPerUser - 2],
  );
  const register = () => user.call('POST', '/devices', { device_id: randomUUID(), name: 'last' });
  const answers = await Promise.all([register(), register(), register()]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403]);
  errorOf(await register(), 'too_many_devices');
  const { body } = await user.call<{ devices: { device_id: string }[] }>('GET', '/devices');
  expect(body.devices).toHaveLength(limits.devicesPerUser);
  await user.call('DELETE', `/devices/${body.devices.at(-1)!.device_id}`);
  expect((await register()).status).toBe(200);
});

test('a revoked device is shut out of every call, and stays so', async () => {
  const user = await signUp();
  await user.save('a', randomBytes(10));
  const other = await user.addDevice();
  expect((await user.call('DELETE', `/devices/${other.device}`)).body).toMatchObject({ revoked: true });
  errorOf(await other.call('GET', `/changes?device_id=${other.device}&cursor=0`), 'device_revoked');
  errorOf(await other.call('POST', '/ticket', { device_id: other.device }), 'device_revoked');
  const files = [{ path: 'a' }];
  errorOf(await other.call('POST', '/download', { device_id: other.device, files }), 'device_revoked');
  errorOf(await other.call('POST', '/devices', { device_id: other.device, name: 'back' }), 'device_revoked');
  expect((await user.call('DELETE', `/devices/${other.device}`)).body).toMatchObject({ revoked: true });
  expect(await allChanges(user)).toHaveLength(1);
});

test("revoking a device closes its sockets, and no other device's", async () => {
  const user = await signUp();
  const other = await user.addDevice();
  const [mine, theirs] = await Promise.all([openSocket(user), openSocket(other)]);
  const closed = once(theirs.socket, 'close');
  await user.call('DELETE', `/devices/${other.device}`);
  await closed;
  mine.socket.send(JSON.stringify({ type: 'ping' }));
  expect(await mine.next()).toEqual({ type: 'pong', missed: 0 });
  mine.socket.close();
});

test('a ticket from before the device was revoked opens no connection', async () => {
  const user = await signUp();
  const other = await user.addDevice();
  const [url, socket] = [await other.socketUrl(), (await openSocket(other)).socket];
  await user.call('DELETE', `/devices/${other.device}`);
  await once(socket, 'close');
  const late = new WebSocket(url);
  const [error] = await once(late, 'error');
  expect(String(error)).toContain('403');
});
