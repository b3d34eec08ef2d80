import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { allChanges, deleteFiles, moveFiles, restoreFile, resultsOf } from './support/calls.ts';
import { signUp } from './support/service.ts';
import { openSocket } from './support/socket.ts';

test('the other devices hear of every commit in order, the origin does not', async () => {
  const user = await signUp();
  const [second, third] = await Promise.all([user.addDevice(), user.addDevice()]);
  const sockets = await Promise.all([user, second, third].map(openSocket));
  const [origin, ...others] = sockets;
  await user.save('a', randomBytes(10));
  resultsOf(await moveFiles(user, [{ from: 'a', to: 'b', base_version: 1 }]));
  resultsOf(await deleteFiles(user, [{ path: 'b', base_version: 2 }]));
  resultsOf(await restoreFile(user, { path: 'b', version: 2, base_version: 0 }));
  const expected = [
    { cursor: 1, file_path: 'a', version: 1, change_type: 'create' },
    { cursor: 2, file_path: 'b', version: 2, change_type: 'create' },
    { cursor: 3, file_path: 'b', version: 3, change_type: 'delete' },
    { cursor: 4, file_path: 'b', version: 4, change_type: 'create' },
  ];
  for (const { next } of others) {
    for (const change of expected) expect(await next()).toMatchObject({ type: 'changed', ...change });
  }
  // Another device's change comes after all of its own would have.
  await second.save('end', randomBytes(10));
  expect(await origin!.next()).toMatchObject({ file_path: 'end', cursor: 5 });
  for (const { socket } of sockets) socket.close();
});

test('what the push says is in the changes by then', async () => {
  const user = await signUp();
  const other = await user.addDevice();
  const { socket, next } = await openSocket(other);
  await user.save('a', randomBytes(10));
  const pushed = await next();
  const [change] = await allChanges(other);
  expect(pushed).toMatchObject({ cursor: change!.cursor, file_path: change!.entry.path });
  socket.close();
});

test('another user hears nothing', async () => {
  const [user, stranger] = await Promise.all([signUp(), signUp()]);
  const [other, spy] = [await user.addDevice(), await openSocket(stranger)];
  const mine = await openSocket(other);
  await user.save('a', randomBytes(10));
  await mine.next();
  spy.socket.send(JSON.stringify({ type: 'ping' }));
  expect(await spy.next()).toEqual({ type: 'pong' });
  expect(spy.received).toHaveLength(1);
  for (const { socket } of [mine, spy]) socket.close();
});

test('a device with two connections hears on both, and on one when the other is gone', async () => {
  const user = await signUp();
  const other = await user.addDevice();
  const [first, second] = [await openSocket(other), await openSocket(other)];
  await user.save('a', randomBytes(10));
  expect(await first.next()).toMatchObject({ cursor: 1 });
  expect(await second.next()).toMatchObject({ cursor: 1 });
  first.socket.terminate();
  await user.save('b', randomBytes(10));
  expect(await second.next()).toMatchObject({ cursor: 2 });
  second.socket.close();
});

test('pings are answered, anything else with an error', async () => {
  const user = await signUp();
  const { socket, next } = await openSocket(user);
  socket.send(JSON.stringify({ type: 'ping' }));
  expect(await next()).toEqual({ type: 'pong' });
  for (const message of ['{"type":"other"}', '{"type":"ping","more":1}', 'no json']) {
    socket.send(message);
    expect(await next()).toMatchObject({ type: 'error', code: 'bad_request' });
  }
  socket.close();
});

test('a ticket opens one connection; without a good one there is none', async () => {
  const user = await signUp();
  const url = await user.socketUrl();
  const socket = new WebSocket(url);
  await once(socket, 'open');
  for (const bad of [url, `${url}x`, url.split('?')[0]!]) {
    const [error] = await once(new WebSocket(bad), 'error');
    expect(String(error)).toMatch(/40[13]/);
  }
  socket.close();
});
