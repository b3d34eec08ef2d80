import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { DownloadResponse } from '../../protocol/download.ts';
import { limits } from '../../protocol/limits.ts';
import { sentBits } from '../../protocol/sent-bits.ts';
import type { SentSoFar } from '../../protocol/socket.ts';
import { blocksOf, type User } from '../support/user.ts';
import { errorOf, finalize, put } from './support/calls.ts';
import { invoke, signUp } from './support/service.ts';
import { openSocket, type TestSocket } from './support/socket.ts';

const PATH = 'film.mp4';

let sender: User;
let receiver: User;
beforeAll(async () => {
  sender = await signUp();
  receiver = await sender.addDevice();
});

/** A file of three blocks, of which the first two were sent. */
async function half(user: User, content: Buffer): Promise<string> {
  const { upload_id, answer } = await user.begin(PATH, content, 0);
  const [first, second] = await blocksOf(content);
  const sent = answer.send.filter(({ hash }) => hash === first!.hash || hash === second!.hash);
  await put(sent, content);
  return upload_id;
}

const threeBlocks = (): Buffer => randomBytes(2 * limits.blockBytes + 1000);

async function ask(user: User, upload: string, lacks?: readonly string[]): Promise<DownloadResponse> {
  const files = [{ path: PATH, upload, ...(lacks && { lacks }) }];
  const { status, body } = await user.call('POST', '/download', { device_id: user.device, files });
  expect(status).toBe(200);
  return DownloadResponse.parse(body);
}

test('the blocks of an upload that have arrived come to the user’s other device before there is a version', async () => {
  const content = threeBlocks();
  const upload = await half(sender, content);
  const blocks = await blocksOf(content);
  const [first, second, third] = blocks.map(({ hash }) => hash);

  const { files, urls } = await ask(receiver, upload);
  const named = blocks.map(({ hash, size }) => ({ hash, size }));
  expect(files).toMatchObject([{ path: PATH, entry: { size: content.length, version: 1, blocks: named } }]);
  expect(Object.keys(urls).sort()).toEqual([first, second].sort());
  const response = await fetch(urls[first!]!);
  expect(Buffer.from(await response.arrayBuffer()).equals(blocks[0]!.bytes)).toBe(true);
  expect(Object.keys((await ask(receiver, upload, [second!, third!])).urls)).toEqual([second]);

  const { body } = await receiver.call('POST', '/download', { device_id: receiver.device, files: [{ path: PATH }] });
  expect(body, 'a version').toMatchObject({ files: [{ error: { code: 'not_found' } }] });
  errorOf(await sender.finalize(upload), 'blocks_missing');
});

test('a block that only others have is not given, whatever an upload says that it offers', async () => {
  const content = threeBlocks();
  const owner = await signUp();
  await owner.save('mine', content);
  const hash = (await blocksOf(content))[0]!.hash;
  const { upload_id } = await sender.begin(PATH, content, 0);
  expect((await ask(receiver, upload_id)).urls).toEqual({});
  expect((await ask(receiver, upload_id, [hash])).urls).toEqual({});
});

test('an upload of another user, of another path, or that is over, is none', async () => {
  const content = threeBlocks();
  const upload = await half(sender, content);
  const stranger = await signUp();
  expect((await ask(stranger, upload)).files).toMatchObject([{ error: { code: 'not_found' } }]);
  expect((await ask(receiver, randomUUID())).files).toMatchObject([{ error: { code: 'not_found' } }]);
  const elsewhere = [{ path: 'other.mp4', upload }];
  const { body } = await receiver.call('POST', '/download', { device_id: receiver.device, files: elsewhere });
  expect(body).toMatchObject({ files: [{ error: { code: 'not_found' } }] });

  await half(sender, threeBlocks());
  expect((await ask(receiver, upload)).files, 'given up by its device').toMatchObject([
    { error: { code: 'not_found' } },
  ]);
});

test('of the blocks that its device told as sent the answer has the URLs, whether or not it was committed meanwhile', async () => {
  const content = threeBlocks();
  const { upload_id, answer } = await sender.begin('sent.mp4', content, 0);
  await sender.send(answer, content);
  const [first, , third] = (await blocksOf(content)).map(({ hash }) => hash);
  const files = [{ path: 'sent.mp4', upload: upload_id, sent: sentBits([true, false, true]) }];
  const request = { device_id: receiver.device, files };
  const before = DownloadResponse.parse((await receiver.call('POST', '/download', request)).body);
  expect(Object.keys(before.urls).sort()).toEqual([first, third].sort());

  await finalize(sender, upload_id);
  const after = DownloadResponse.parse((await receiver.call('POST', '/download', request)).body);
  expect(after.files).toEqual(before.files);
  expect(Object.keys(after.urls).sort()).toEqual([first, third].sort());

  await sender.call('POST', '/delete', { device_id: sender.device, files: [{ path: 'sent.mp4', base_version: 1 }] });
  const deleted = DownloadResponse.parse((await receiver.call('POST', '/download', request)).body);
  expect(Object.keys(deleted.urls).sort(), 'while the version is kept').toEqual([first, third].sort());
});

test('a file that was refused is not had by its upload', async () => {
  const content = threeBlocks();
  const { upload_id, answer } = await sender.begin('refused', content, 0);
  await sender.send(answer, content);
  await receiver.save('refused', randomBytes(2000));
  errorOf(await sender.finalize(upload_id), 'stale_version');
  const files = [{ path: 'refused', upload: upload_id }];
  const { body } = await receiver.call('POST', '/download', { device_id: receiver.device, files });
  expect(body).toMatchObject({ files: [{ error: { code: 'not_found' } }] });
});

test('one call has files by version and by upload, each by its own', async () => {
  const kept = randomBytes(100_000);
  await sender.save('kept', kept);
  const content = threeBlocks();
  const { upload_id } = await sender.begin('begun', content, 0);
  const files = [{ path: 'begun', upload: upload_id }, { path: 'kept' }, { path: 'none' }];
  const { body } = await receiver.call('POST', '/download', { device_id: receiver.device, files });
  expect(DownloadResponse.parse(body)).toMatchObject({
    files: [
      { path: 'begun', entry: { size: content.length } },
      { path: 'kept', entry: { size: kept.length } },
      { path: 'none', error: {} },
    ],
  });
});

/** What a device tells. */
function message(upload_id: string = randomUUID()): SentSoFar {
  return { type: 'sending', upload_id, path: PATH, sent: 'Aw==' };
}

function closeAll(...sockets: readonly TestSocket[]): void {
  for (const { socket } of sockets) socket.close();
}

test('what a device sends is told to the user’s other devices, and to nobody else', async () => {
  const stranger = await signUp();
  const [from, to, other] = await Promise.all([sender, receiver, stranger].map(openSocket));
  onTestFinished(() => closeAll(from!, to!, other!));
  const told = message();
  from!.socket.send(JSON.stringify(told));
  expect(await to!.next()).toEqual(told);
  expect(await from!.next()).toEqual({ type: 'pong' });
  from!.socket.send(JSON.stringify({ ...told, path: '../up' }));
  expect(await from!.next()).toMatchObject({ type: 'error', code: 'bad_request' });
  expect([from!.received.length, to!.received.length, other!.received.length]).toEqual([2, 1, 0]);
});

test('a revoked device is told nothing, learns nothing of an upload, and is heard by nobody', async () => {
  const [user, upload] = [await signUp(), randomUUID()];
  const [lost, other] = [await user.addDevice(), await user.addDevice()];
  const [gone, stays, from] = await Promise.all([lost, other, user].map(openSocket));
  onTestFinished(() => closeAll(stays!, from!));
  const closed = new Promise((resolve) => gone!.socket.once('close', resolve));
  await user.call('DELETE', `/devices/${lost.device}`);
  await closed;
  // As if it were still to be closed.
  const authorizer = { user_id: user.id, device_id: lost.device };
  const requestContext = { connectionId: 'closing', authorizer };
  await invoke('SocketMessage', { requestContext, body: JSON.stringify(message()) });
  from!.socket.send(JSON.stringify(message(upload)));
  expect(await stays!.next()).toEqual(message(upload));
  await sleep(200);
  expect(stays!.received).toHaveLength(1);
  expect(gone!.received.filter(({ type }) => type === 'sending')).toEqual([]);
  const body = { device_id: lost.device, files: [{ path: PATH, upload }] };
  errorOf(await lost.call('POST', '/download', body), 'device_revoked');
});
