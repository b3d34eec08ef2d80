import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { encodeDelta, fromHex, sha256, toHex } from '../../codec/index.ts';
import { loseObject, putObject } from '../support/bucket.ts';
import { damageBlock } from '../support/storage.ts';
import { offer, type User } from '../support/user.ts';
import { blockRow, hashOf } from './support/blocks.ts';
import { applyDeltas, download, errorOf, finalize, init, offerHealing, put, sendProofs } from './support/calls.ts';
import { data, signUp } from './support/service.ts';

let owner: User;
let user: User;
beforeAll(async () => {
  [owner, user] = await Promise.all([signUp(), signUp()]);
});

test('a lost block fails its own proof only, is sent, and thereby back for everybody', async () => {
  const [good, lost] = [randomBytes(5000), randomBytes(5000)];
  await owner.save('good', good);
  await owner.save('lost', lost);
  await loseObject(data, await hashOf(lost));

  const files = [await offer('good', good, 0), await offer('lost', lost, 0)];
  const { upload_id, send } = await init(user, files);
  const contents = new Map([
    [await hashOf(good), good],
    [await hashOf(lost), lost],
  ]);
  const proofs = send.map(async (block) => {
    if (block.how !== 'prove') throw new Error(`the service asks for '${block.how}'`);
    const proof = toHex(await sha256(Buffer.concat([fromHex(block.nonce), contents.get(block.hash)!])));
    return { hash: block.hash, proof };
  });
  const { results } = await sendProofs(user, upload_id, await Promise.all(proofs));
  const errors = new Map(results.map(({ hash, error }) => [hash, error?.code]));
  expect([errors.get(await hashOf(good)), errors.get(await hashOf(lost))]).toEqual([undefined, 'content_mismatch']);
  expect(await blockRow(await hashOf(lost))).toMatchObject({ state: 'quarantined', ref_count: 1 });

  const again = await init(user, files, upload_id);
  expect(again.send).toMatchObject([{ hash: await hashOf(lost), how: 'put' }]);
  await put(again.send, lost);
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 1 }, { version: 1 }]);
  expect((await download(owner, 'lost')).equals(lost)).toBe(true);
});

test('a lost base fails its own delta only', async () => {
  const [good, lost] = [randomBytes(5000), randomBytes(5000)];
  const items = [];
  const files = [];
  for (const [path, content] of Object.entries({ 'good base': good, 'lost base': lost })) {
    await user.save(path, content);
    const edited = Buffer.concat([content, Buffer.from('an edit')]);
    const base = { path, version: 1, first: 0, count: 1 };
    const delta = encodeDelta(content, edited);
    const file = await offer(path, edited, 1);
    files.push({ ...file, blocks: [{ ...file.blocks[0]!, delta: { base, bytes: delta.length } }] });
    items.push({ hash: await hashOf(edited), size: edited.length, base, delta });
  }
  await loseObject(data, await hashOf(lost));
  const { upload_id } = await init(user, files);
  const { results } = await applyDeltas(user, upload_id, items);
  expect(results).toMatchObject([{ hash: items[0]!.hash }, { hash: items[1]!.hash, error: { code: 'not_found' } }]);
  expect(results[0]).not.toHaveProperty('error');
  expect(await blockRow(await hashOf(lost))).toMatchObject({ state: 'quarantined' });
});

test('an upload says nothing about how to read the block, and one that does so anyway is not the block', async () => {
  const content = randomBytes(5000);
  const { upload_id, send } = await init(user, [await offer('labelled', content, 0)]);
  const [block] = send;
  if (block?.how !== 'put') throw new Error('a new block is sent whole');
  const kept = [
    'cache-control',
    'content-disposition',
    'content-encoding',
    'content-language',
    'content-type',
    'expires',
  ];
  for (const name of kept) {
    for (const headers of [{ ...block.headers, [name]: 'gzip' }, omit(block.headers, name)]) {
      const { status } = await fetch(block.url, { method: 'PUT', headers, body: content });
      expect({ name, status }).toEqual({ name, status: 403 });
    }
  }

  const Metadata = { upload: block.headers['x-amz-meta-upload']! };
  await putObject(data, block.hash, { Body: content, ContentEncoding: 'gzip', Metadata });
  errorOf(await user.finalize(upload_id), 'blocks_missing');
  await put(send, content);
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 1 }]);
});

function omit(headers: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name));
}

test('a block that a device could not download is looked at: one that is bad is asked for, a good one and a stranger’s stay', async () => {
  const [lost, damaged, good, others] = Array.from({ length: 4 }, () => randomBytes(5000)) as Buffer[];
  const reader = await signUp();
  for (const [path, content] of Object.entries({ lost, damaged, good })) await reader.save(path, content!);
  await owner.save('others', others!);
  const hashes = await Promise.all([lost, damaged, good, others].map((content) => hashOf(content!)));
  await loseObject(data, hashes[0]!);
  await damageBlock(data, hashes[1]!);
  await loseObject(data, hashes[3]!);
  const body = { device_id: reader.device, hashes: [], suspects: hashes };
  expect(await reader.call('POST', '/heal', body)).toMatchObject({ status: 200, body: { send: [] } });
  const states = await Promise.all(hashes.map(async (hash) => (await blockRow(hash))?.state));
  expect(states).toEqual(['quarantined', 'quarantined', 'live', 'live']);

  const [healing] = await offerHealing(reader, hashes[1]!);
  const { url, headers } = healing!;
  expect((await fetch(url, { method: 'PUT', headers, body: new Uint8Array(damaged!) })).status).toBe(200);
  expect(await offerHealing(reader, hashes[1]!)).toEqual([]);
  expect((await download(reader, 'damaged')).equals(damaged!)).toBe(true);
});
