import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { encodeDelta } from '../../codec/index.ts';
import { synthesize } from '../../local/demo/synthesize.ts';
import { covers } from '../../local/iam/policy.ts';
import type { DeltaApplyResponse } from '../../protocol/delta-apply.ts';
import {
  applyDeltas,
  changes,
  deleteFiles,
  download,
  finalize,
  history,
  init,
  locate,
  moveFiles,
  offerHealing,
  prove,
  restoreFile,
  resultsOf,
  save,
  tree,
} from '../service/support/calls.ts';
import { admin } from '../support/admin.ts';
import { loseObject } from '../support/bucket.ts';
import { Pack } from '../support/call-packs.ts';
import { lostPush } from '../support/lost-push.ts';
import { scratch } from '../support/scratch.ts';
import { type Service, startService } from '../support/service.ts';
import { writeSmallRelease } from '../support/small-release.ts';
import { age, loseBlock, storedBlocks, sweep } from '../support/storage.ts';
import { blocksOf, offer, type User } from '../support/user.ts';
import { unusedGrants } from './unused-grants.ts';

/** EC2 evaluates actions that only describe against no resource; X-Ray knows none. */
const WITHOUT_FINER_RESOURCE = [
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcs',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

const folder = await scratch('tidemark-least-privilege-');
let service: Service;

beforeAll(async () => {
  // With a client, which is copied at the deployment.
  const dist = join(folder, 'dist');
  await writeSmallRelease(dist);
  await synthesize(join(folder, 'assembly'), { profile: 'team', client: dist });
  service = await startService(join(folder, 'assembly'));
  await walk();
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Makes every function do everything that it can do. */
async function walk(): Promise<void> {
  const [user, stranger] = [await service.signUp(), await service.signUp()];
  const other = await user.addDevice();
  const replaced = new WebSocket(await other.socketUrl());
  await once(replaced, 'open');
  const socket = new WebSocket(await other.socketUrl());
  await Promise.all([once(socket, 'open'), once(replaced, 'close')]);

  const first = randomBytes(50_000);
  const second = Buffer.concat([first.subarray(0, 25_000), Buffer.from('inserted'), first.subarray(25_000)]);
  await user.save('file.bin', first);
  await once(socket, 'message');
  await sendDelta(user, 'file.bin', first, second);
  await proveAndCommit(stranger, first);
  const unsent = await user.begin('never-sent.bin', randomBytes(100));
  expect((await user.finalize(unsent.upload_id)).status).toBe(422);

  await tellOthers(other, socket, unsent.upload_id);

  expect(await download(other, 'file.bin')).toEqual(second);
  await save(user, [{ path: 'note.txt', content: Buffer.from('A note.') }]);
  expect(await download(other, 'note.txt')).toEqual(Buffer.from('A note.'));
  const sent = new Pack([{ path: 'sent', content: randomBytes(20_000) }]);
  await sent.init(user);
  expect((await sent.save(user)).status).toBe(422);
  await sent.send(user);
  resultsOf(await sent.save(user));
  const pack = await fillPack(user, 'kept');
  resultsOf(await restoreFile(user, { path: 'file.bin', version: 1, base_version: 2 }));
  resultsOf(await moveFiles(user, [{ from: 'file.bin', to: 'moved.bin', base_version: 3 }]));
  await Promise.all([
    changes(user, 0),
    tree(user),
    history(user, 'moved.bin'),
    user.call('GET', `/compare?device_id=${user.device}&at=${Date.now() - 1000}`),
    user.call('GET', '/devices'),
    user.call('GET', '/no-such-route'),
  ]);
  await loseAndHeal(user);
  await lookAfterUsers();
  await meetLostBlock(user, stranger);

  await service.cloud.invoke('Notify', lostPush(other.id, 1));
  await openWithoutSocket(await user.addDevice(), user);
  socket.send(JSON.stringify({ type: 'ping' }));
  await Promise.all([once(socket, 'close'), user.call('DELETE', `/devices/${other.device}`)]);
  await openWithoutSocket(other, user);
  resultsOf(await deleteFiles(user, [{ path: 'moved.bin', base_version: 4 }]));
  await loseObject(service.data, await fillPack(user, 'lost'));
  await vi.waitFor(() => collect(pack), { timeout: 60_000, interval: 500 });
}

async function sendDelta(user: User, path: string, base: Buffer, content: Buffer): Promise<DeltaApplyResponse> {
  const [block] = await blocksOf(content);
  const delta = encodeDelta(base, content);
  const where = { path, version: 1, first: 0, count: 1 };
  const offered = await offer(path, content, 1);
  const blocks = offered.blocks.map((one) => ({ ...one, delta: { base: where, bytes: delta.length } }));
  const { upload_id, send } = await init(user, [{ ...offered, blocks }]);
  expect(send).toEqual([{ hash: block?.hash, how: 'delta' }]);
  const answer = await applyDeltas(user, upload_id, [{ hash: block!.hash, size: content.length, base: where, delta }]);
  await user.finalize(upload_id);
  return answer;
}

/** Another user's content: only who has it learns that the service has it too. */
async function proveAndCommit(user: User, content: Buffer): Promise<void> {
  const { upload_id, send } = await init(user, [await offer('same.bin', content, 0)]);
  await prove(user, upload_id, send, content);
  await finalize(user, upload_id);
}

/** An operator adds a user, shuts him out, lets him in again, and sees to his second factor. */
async function lookAfterUsers(): Promise<void> {
  const email = 'operated@tidemark.example';
  for (const [command, ...options] of [['add'], ['disable'], ['enable'], ['mfa', '--reset']]) {
    expect((await admin(service, 'users', command!, email, ...options)).code, command).toBe(0);
  }
}

/** An operator's audit finds that a block is missing, and the device that has its content sends it again. */
async function loseAndHeal(user: User): Promise<void> {
  const content = randomBytes(1000);
  await user.save('lost.bin', content);
  const { hash } = (await blocksOf(content))[0]!;
  await loseBlock(service, hash);
  expect((await admin(service, 'audit', '--sample', '100')).lines).toContainEqual({ kind: 'missing', hash });
  const { body } = await user.call('GET', `/heal?device_id=${user.device}`);
  expect(body).toEqual({ hashes: [hash] });
  const [block] = await offerHealing(user, hash);
  await fetch(block!.url, { method: 'PUT', headers: block!.headers, body: content });
  expect(await offerHealing(user, hash)).toEqual([]);
}

/** Who looks for an object that is missing is told so: a proof and a delta fail alone. */
async function meetLostBlock(user: User, stranger: User): Promise<void> {
  const content = randomBytes(1000);
  await user.save('gone.bin', content);
  await loseBlock(service, (await blocksOf(content))[0]!.hash);
  const { upload_id, send } = await init(stranger, [await offer('mine.bin', content, 0)]);
  expect((await prove(stranger, upload_id, send, content)).results).toMatchObject([{ error: {} }]);
  const edited = Buffer.concat([content, content]);
  expect((await sendDelta(user, 'gone.bin', content, edited)).results).toMatchObject([{ error: {} }]);
}

/** A device tells what it sends, to one that is gone, and another one asks for it. */
async function tellOthers(user: User, socket: WebSocket, upload: string): Promise<void> {
  const path = 'never-sent.bin';
  await connectWithoutSocket(await user.addDevice());
  socket.send(JSON.stringify({ type: 'sending', upload_id: upload, path, sent: '' }));
  for (let text = ''; !text.includes('pong'); ) text = String((await once(socket, 'message'))[0]);
  const { status } = await user.call('POST', '/download', { device_id: user.device, files: [{ path, upload }] });
  expect(status).toBe(200);
}

/**
 * A connection whose socket is gone, as after a crash of the gateway ($disconnect is best effort), until notify meets
 * it. A revoked device's is refused.
 */
async function openWithoutSocket(device: User, sender: User): Promise<void> {
  await connectWithoutSocket(device);
  await sender.save(`for-${device.device}.txt`, Buffer.from('hello'));
}

async function connectWithoutSocket(device: User): Promise<void> {
  const authorizer = { user_id: device.id, device_id: device.device };
  // Old enough for notify to believe that it is gone and not still opening.
  const connectedAt = Date.now() - 2 * 60_000;
  const requestContext = { connectionId: `gone-${device.device}`, connectedAt, authorizer };
  await service.cloud.invoke('Connect', { requestContext });
}

/** Saves contents that lie in a pack, and deletes most of them; answers the pack, which is to be replaced. */
async function fillPack(user: User, name: string): Promise<string> {
  const paths = ['one', 'two', 'three'].map((end) => `${name}-${end}.bin`);
  await save(
    user,
    paths.map((path) => ({ path, content: randomBytes(20_000) })),
  );
  const [part] = Object.values((await locate(user, paths[2]!)).packed);
  resultsOf(
    await deleteFiles(
      user,
      paths.slice(0, 2).map((path) => ({ path, base_version: 1 })),
    ),
  );
  return part!.pack;
}

/** Lets all time limits pass and sweeps. Throws until the pack is gone: counts fall some time after a delete. */
async function collect(pack: string): Promise<void> {
  await age(service, 24 * 31);
  await sweep(service);
  expect(await storedBlocks(service.data)).not.toContain(pack);
}

test('what functions do is allowed by their roles, and nothing was refused', () => {
  const { access } = service.cloud;
  const refused = access
    .calls()
    .filter(
      ({ role, action, resource, context }) =>
        !access.grants().some((grant) => grant.role === role && covers(grant, action, resource, context)),
    );
  expect(refused).toEqual([]);
  expect(service.log.filter((line) => line.startsWith('access:'))).toEqual([]);
});

test('every grant was used by a call, or is justified in unused-grants.ts', async () => {
  const { access } = service.cloud;
  const calls = access.calls();
  const callers = new Map(calls.map(({ role, caller }) => [role, caller]));
  const unused = access
    .grants()
    .filter(
      (grant) =>
        !calls.some(
          ({ role, action, resource, context }) => grant.role === role && covers(grant, action, resource, context),
        ),
    )
    .map(({ role, action, resource }) => `${callers.get(role) ?? role} ${action} on ${resource}`);
  const unexplained = unused.filter(
    (line) => !unusedGrants.some(({ caller, action }) => line.startsWith(`${caller} ${action} `)),
  );
  expect(unexplained, 'remove these from lib/, or say in unused-grants.ts why they stay').toEqual([]);
  const stale = unusedGrants.filter(
    ({ caller, action }) => !unused.some((line) => line.startsWith(`${caller} ${action} `)),
  );
  expect(stale, 'these are used or gone: take them out of unused-grants.ts').toEqual([]);
});

test('no role has a wildcard action, nor every resource where AWS has a finer one', () => {
  const grants = service.cloud.access.grants();
  expect(grants.filter(({ action }) => action.includes('*') || action.includes('?'))).toEqual([]);
  const onAll = grants.filter(({ resource }) => resource === '*').map(({ action }) => action);
  expect([...new Set(onAll)].sort()).toEqual(WITHOUT_FINER_RESOURCE);
});
