import { randomBytes, randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { encodeDelta } from '../../codec/index.ts';
import { blocksOf, offer, type User } from '../support/user.ts';
import {
  allChanges,
  applyDeltas,
  deleteFiles,
  errorOf,
  finalize,
  init,
  moveFiles,
  put,
  restoreFile,
  tree,
} from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

let owner: User;
let stranger: User;
let openUpload: string;
const secret = randomBytes(100);
beforeAll(async () => {
  [owner, stranger] = await Promise.all([signUp(), signUp()]);
  await owner.save('secret', secret);
  const content = randomBytes(100);
  const { upload_id, send } = await init(owner, [await offer('open', content, 0)]);
  await put(send, content);
  openUpload = upload_id;
  await copyToShardOf(stranger, owner);
});

/** Users mostly lie in different shards: a copy of the owner's rows beside the stranger's shows what SQL lets through. */
async function copyToShardOf(user: User, from: User): Promise<void> {
  const [source, target] = [shardOf(from), shardOf(user)];
  if (source.schema === target.schema) return;
  const tables = ['accounts', 'devices', 'files', 'file_versions', 'changes', 'uploads', 'upload_files'];
  for (const table of [...tables, 'held_blocks', 'directories']) {
    const { rows } = await database.query<{ columns: string }>(
      `select string_agg(column_name, ', ') as columns from information_schema.columns
       where table_schema = $1 and table_name = $2 and is_generated = 'NEVER'`,
      [source.schema, table],
    );
    const { columns } = rows[0]!;
    await database.query(
      `insert into ${target.schema}.${table} (${columns})
       select ${columns} from ${source.schema}.${table} where user_id = $1`,
      [source.userId],
    );
  }
}

test('every route that takes a path finds nothing of another user there', async () => {
  const { device } = stranger;
  errorOf(await stranger.call('GET', `/history?device_id=${device}&path=secret`), 'not_found');
  errorOf(await stranger.call('GET', `/tree?device_id=${device}&path=secret`), 'not_found');
  expect((await tree(stranger)).entries).toEqual([]);
  expect(await allChanges(stranger)).toEqual([]);
  errorOf(await restoreFile(stranger, { path: 'secret', version: 1, base_version: 1 }), 'not_found');
  errorOf(await deleteFiles(stranger, [{ path: 'secret', base_version: 1 }]), 'stale_version');
  errorOf(await moveFiles(stranger, [{ from: 'secret', to: 'mine', base_version: 1 }]), 'stale_version');
  const { body } = await stranger.call('POST', '/download', { device_id: device, files: [{ path: 'secret' }] });
  expect(body).toMatchObject({ files: [{ error: { code: 'not_found' } }], urls: {} });
});

test('no URL is signed for a block of another user, whatever a download names', async () => {
  const own = randomBytes(100);
  await stranger.save('own', own);
  const [foreign, mine] = await Promise.all([secret, own].map(async (content) => (await blocksOf(content))[0]!.hash));
  for (const lists of [
    { lacks: [foreign!, mine!] },
    { lacks: [foreign!], damaged: [foreign!] },
    { damaged: [foreign!] },
  ]) {
    const request = { device_id: stranger.device, files: [{ path: 'own', ...lists }] };
    const { status, body } = await stranger.call<{ urls: object }>('POST', '/download', request);
    expect(status).toBe(200);
    expect(Object.keys(body.urls)).toEqual(lists.lacks?.length === 1 ? [] : [mine]);
  }
});

test('a block of another user is neither held nor a base', async () => {
  const base = { path: 'secret', version: 1, first: 0, count: 1 };
  const held = await offer('mine', secret, 0);
  const near = Buffer.concat([secret, randomBytes(3)]);
  const delta = encodeDelta(secret, near);
  const file = await offer('near', near, 0);
  const block = { ...file.blocks[0]!, delta: { base, bytes: delta.length } };
  const { upload_id, send } = await init(stranger, [held, { ...file, blocks: [block] }]);
  expect(new Map(send.map(({ hash, how }) => [hash, how]))).toEqual(
    new Map([
      [held.blocks[0]!.hash, 'prove'],
      [block.hash, 'put'],
    ]),
  );
  const { results } = await applyDeltas(stranger, upload_id, [{ hash: block.hash, size: block.size, base, delta }]);
  expect(results).toMatchObject([{ error: { code: 'not_found' } }]);
});

test('equal paths of two users are two files', async () => {
  await stranger.save('same', randomBytes(10));
  expect(await owner.save('same', randomBytes(10))).toMatchObject({ version: 1 });
  await deleteFiles(stranger, [{ path: 'same', base_version: 1 }]);
  expect((await tree(owner)).entries.map(({ name }) => name)).toContain('same');
});

test("another user's upload is unknown, to every route that takes one", async () => {
  errorOf(await stranger.finalize(openUpload), 'upload_gone');
  const proofs = [{ hash: '0'.repeat(64), proof: '0'.repeat(64) }];
  const body = { upload_id: openUpload, device_id: stranger.device, proofs };
  errorOf(await stranger.call('POST', '/prove', body), 'upload_gone');
  // The same id stands for a session of one's own.
  const content = randomBytes(50);
  const { send } = await init(stranger, [await offer('mine', content, 0)], openUpload);
  await put(send, content);
  expect(await finalize(stranger, openUpload)).toMatchObject([{ path: 'mine', version: 1 }]);
  expect(await finalize(owner, openUpload)).toMatchObject([{ path: 'open', version: 1 }]);
});

test("another user's device is unknown, to every route", async () => {
  const device_id = owner.device;
  const request_id = randomUUID();
  const calls: [string, string, object?][] = [
    ['GET', `/changes?device_id=${device_id}&cursor=0`],
    ['GET', `/tree?device_id=${device_id}`],
    ['GET', `/history?device_id=${device_id}&path=same`],
    ['POST', '/upload-init', { upload_id: request_id, device_id, files: [await offer('x', randomBytes(1), 0)] }],
    ['POST', '/finalize', { upload_id: request_id, device_id }],
    ['POST', '/download', { device_id, files: [{ path: 'same' }] }],
    ['POST', '/delete', { request_id, device_id, files: [{ path: 'same', base_version: 1 }] }],
    ['POST', '/move', { request_id, device_id, moves: [{ from: 'same', to: 'x', base_version: 1 }] }],
    ['POST', '/restore', { request_id, device_id, files: [{ path: 'same', version: 1, base_version: 1 }] }],
    ['GET', `/compare?device_id=${device_id}&at=${Date.now()}`],
    ['POST', '/ticket', { device_id }],
  ];
  for (const [method, path, body] of calls) errorOf(await stranger.call(method, path, body), 'device_unknown');
  errorOf(await stranger.call('DELETE', `/devices/${device_id}`), 'not_found');
  const { body } = await owner.call<{ devices: object[] }>('GET', '/devices');
  expect(body.devices).toMatchObject([{ device_id, revoked: false }]);
});
