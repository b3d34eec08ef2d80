import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ChangesResponse } from '../../protocol/changes.ts';
import { limits } from '../../protocol/limits.ts';
import { lostPush } from '../support/lost-push.ts';
import { offer } from '../support/user.ts';
import {
  allChanges,
  deleteFiles,
  finalize,
  init,
  locate,
  moveFiles,
  restoreFile,
  resultsOf,
  save,
} from './support/calls.ts';
import { invoke, signUp } from './support/service.ts';
import { openSocket, type TestSocket } from './support/socket.ts';

test('the other devices hear of commits up to the newest, in order, the origin does not', async () => {
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
    // Changes of one batch come as one message.
    for (let heard = 0; heard < 4; ) {
      const message = await next();
      const change = expected
        .slice(heard)
        .find(({ cursor }) => message.type === 'changed' && message.cursor === cursor);
      expect(message).toMatchObject({ type: 'changed', ...change });
      heard = change?.cursor ?? 0;
    }
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

test('the push of one small file brings what the changes and a download would', async () => {
  const user = await signUp();
  const other = await user.addDevice();
  const { socket, next } = await openSocket(other);
  const content = randomBytes(limits.rowBytes / 2);
  await save(user, [{ path: 'note', content }]);
  const pushed = await next();
  const { body } = await other.call('GET', `/changes?device_id=${other.device}&cursor=0`);
  const { changes, timeline } = ChangesResponse.parse(body);
  const { contents } = await locate(other, 'note');
  expect(pushed).toMatchObject({ type: 'changed', news: { change: changes[0], timeline, contents } });
  expect(Object.keys(contents)).toHaveLength(1);

  await save(user, [{ path: 'larger', content: randomBytes(limits.rowBytes + 1) }]);
  await save(user, [
    { path: 'one of', content },
    { path: 'two', content },
  ]);
  for (let cursor = 1; cursor < 4; ) {
    const message = await next();
    expect(message).not.toHaveProperty('news');
    if (message.type === 'changed') ({ cursor } = message);
  }
  socket.close();
});

test('another user hears nothing', async () => {
  const [user, stranger] = await Promise.all([signUp(), signUp()]);
  const [other, spy] = [await user.addDevice(), await openSocket(stranger)];
  const mine = await openSocket(other);
  await user.save('a', randomBytes(10));
  await mine.next();
  spy.socket.send(JSON.stringify({ type: 'ping' }));
  expect(await spy.next()).toEqual({ type: 'pong', missed: 0 });
  expect(spy.received).toHaveLength(1);
  for (const { socket } of [mine, spy]) socket.close();
});

test('a new connection of a device takes the place of the one before', async () => {
  const user = await signUp();
  const other = await user.addDevice();
  const first = await openSocket(other);
  const closed = once(first.socket, 'close');
  const second = await openSocket(other);
  await closed;
  await user.save('a', randomBytes(10));
  expect(await second.next()).toMatchObject({ cursor: 1 });
  expect(first.received).toEqual([]);
  second.socket.close();
});

test('a new ticket of a device takes the place of the one before', async () => {
  const user = await signUp();
  const [old, fresh] = [await user.socketUrl(), await user.socketUrl()];
  const [error] = await once(new WebSocket(old), 'error');
  expect(String(error)).toContain('403');
  const socket = new WebSocket(fresh);
  await once(socket, 'open');
  socket.close();
});

test('a user with many sockets and many changes at once does not keep the pushes of others', async () => {
  const [noisy, quiet] = await Promise.all([signUp(), signUp()]);
  const [listener, receiver] = await Promise.all([noisy.addDevice(), quiet.addDevice()]);
  const heard = await openSocket(receiver);
  const sockets: TestSocket[] = [];
  for (let count = 0; count < 20; count++) sockets.push(await openSocket(listener));
  const paths = Array.from({ length: limits.filesPerCall }, (_, index) => `${index}`);
  const files = await Promise.all(paths.map((path) => offer(path, Buffer.of(), 0)));
  await finalize(noisy, (await init(noisy, files)).upload_id);
  await quiet.save('quiet', randomBytes(10));
  expect(await heard.next()).toMatchObject({ file_path: 'quiet' });
  const last = sockets.at(-1)!;
  while ((await last.next()).type !== 'changed');
  await noisy.save('last', randomBytes(10));
  for (let cursor = 0; cursor <= paths.length; ) {
    const message = await last.next();
    if (message.type === 'changed') cursor = message.cursor;
  }
  // A batch has up to as many changes as the commit; how many batches it becomes is the stream's choice.
  expect(last.received.length).toBeLessThan(paths.length / 10);
  expect(sockets.slice(0, -1).flatMap(({ received }) => received)).toEqual([]);
  for (const { socket } of [heard, last]) socket.close();
});

test('a pong names the newest change whose push did not arrive', async () => {
  const user = await signUp();
  const { socket, next } = await openSocket(user);
  const pong = async () => {
    socket.send(JSON.stringify({ type: 'ping' }));
    return await next();
  };
  expect(await pong()).toEqual({ type: 'pong', missed: 0 });
  for (const cursor of [7, 5]) await invoke('Notify', lostPush(user.id, cursor));
  expect(await pong()).toEqual({ type: 'pong', missed: 7 });
  socket.close();
});

test('a pong to a connection that is not in the registry says nothing of pushes', async () => {
  const { id, device } = await signUp();
  const requestContext = { connectionId: 'forgotten', authorizer: { user_id: id, device_id: device } };
  const answer = await invoke('SocketMessage', { requestContext, body: JSON.stringify({ type: 'ping' }) });
  expect(answer).toEqual({ statusCode: 200, body: JSON.stringify({ type: 'pong' }) });
});

test('pings are answered, anything else with an error', async () => {
  const user = await signUp();
  const { socket, next } = await openSocket(user);
  socket.send(JSON.stringify({ type: 'ping' }));
  expect(await next()).toEqual({ type: 'pong', missed: 0 });
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
