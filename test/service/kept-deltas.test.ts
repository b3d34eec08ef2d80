import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { applyDelta, encodeDelta } from '../../codec/index.ts';
import { transaction } from '../../lambdas/shared/database/database.ts';
import { removeOldDeltas } from '../../lambdas/shared/tables/deltas.ts';
import { DownloadResponse } from '../../protocol/download.ts';
import { limits } from '../../protocol/limits.ts';
import { offer, type User } from '../support/user.ts';
import { hashOf } from './support/blocks.ts';
import { applyDeltas, finalize, init, prove } from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

const old = randomBytes(200_000);
const edited = Buffer.concat([Buffer.from('an edit'), old]);
const delta = encodeDelta(old, edited);

let user: User;
beforeAll(async () => {
  user = await signUp();
  await user.save('a', old);
  await edit(user, 'a', edited, delta);
});

/** A new version of a file, by a delta from the one before. */
async function edit(user: User, path: string, content: Uint8Array, delta: Uint8Array, version = 1): Promise<void> {
  const base = { path, version, first: 0, count: 1 };
  const file = await offer(path, content, version);
  const [block] = file.blocks;
  const { upload_id } = await init(user, [{ ...file, blocks: [{ ...block!, delta: { base, bytes: delta.length } }] }]);
  const { results } = await applyDeltas(user, upload_id, [{ ...block!, base, delta }]);
  expect(results).toEqual([{ hash: block!.hash }]);
  await finalize(user, upload_id);
}

/** Has so many deltas kept of so many bytes, one for each of the last seconds. */
async function keepMany(user: User, count: number, bytes: number): Promise<void> {
  const { schema, userId } = shardOf(user);
  await database.query(
    `insert into ${schema}.deltas (user_id, block_hash, base, encoded, created_at)
     select $1, sha256(n::text::bytea), sha256('base'), decode(repeat('00', $3), 'hex'), now() - n * interval '1 second'
     from generate_series(1, $2) n`,
    [userId, count, bytes],
  );
}

async function locate(user: User, path: string, from?: number): Promise<DownloadResponse> {
  const files = [{ path, ...(from && { from }) }];
  const { status, body } = await user.call('POST', '/download', { device_id: user.device, files });
  expect(status).toBe(200);
  return DownloadResponse.parse(body);
}

test('the delta that made a block comes with its URL, and makes it of blocks that the other device has', async () => {
  const hash = await hashOf(edited);
  const { deltas, urls } = await locate(await user.addDevice(), 'a');
  expect(Object.keys(urls)).toEqual([hash]);
  expect(deltas).toEqual({ [hash]: { base: [await hashOf(old)], encoded: Buffer.from(delta).toString('base64') } });
  const made = await applyDelta(old, Buffer.from(deltas[hash]!.encoded, 'base64'), {
    expectedSize: edited.length,
    expectedHash: hash,
  });
  expect(edited.equals(made)).toBe(true);
});

test('a device that is several versions behind gets the deltas between, if all are kept and few', async () => {
  const path = 'log';
  const contents = [randomBytes(200_000)];
  for (let line = 1; line < 10; line++) contents.push(Buffer.concat([contents.at(-1)!, Buffer.from(`line ${line}\n`)]));
  const hashes = await Promise.all(contents.map(hashOf));
  await user.save(path, contents[0]!);
  const madeOf = async (from?: number): Promise<string[]> =>
    Object.keys((await locate(user, path, from)).deltas).map((hash) => String(hashes.indexOf(hash) + 1));
  for (const [index, content] of contents.slice(1).entries()) {
    await edit(user, path, content, encodeDelta(contents[index]!, content), index + 1);
    if (index === 3) expect((await madeOf(1)).sort(), 'of version 5').toEqual(['2', '3', '4', '5']);
  }
  expect(await madeOf()).toEqual(['10']);
  expect(await madeOf(8)).toEqual(['10', '9']);
  expect(await madeOf(2), 'eight steps').toHaveLength(8);
  expect(await madeOf(1), 'nine steps').toEqual(['10']);
  expect(await madeOf(99), 'of no version').toEqual(['10']);
});

test('nobody else who has the block is told what it was made from', async () => {
  const stranger = await signUp();
  const { upload_id, send } = await init(stranger, [await offer('mine', edited, 0)]);
  await prove(stranger, upload_id, send, edited);
  await finalize(stranger, upload_id);
  const { deltas, urls } = await locate(stranger, 'mine');
  expect(deltas).toEqual({});
  expect(Object.keys(urls)).toEqual([await hashOf(edited)]);
});

test('one that is hardly smaller than a block is not kept', async () => {
  const before = randomBytes(200_000);
  await user.save('large', before);
  const content = Buffer.concat([randomBytes(limits.keptDeltaBytes), before]);
  await edit(user, 'large', content, encodeDelta(before, content));
  expect((await locate(user, 'large')).deltas).toEqual({});
});

test('an edit of a hundred kilobytes comes as so many, too', async () => {
  const before = randomBytes(400_000);
  await user.save('picture', before);
  const content = Buffer.concat([before.subarray(0, 200_000), randomBytes(100_000), before.subarray(300_000)]);
  await edit(user, 'picture', content, encodeDelta(before, content));
  const { deltas } = await locate(user, 'picture');
  const encoded = Buffer.from(deltas[await hashOf(content)]!.encoded, 'base64');
  expect(encoded.length).toBeGreaterThan(100_000);
  expect(encoded.length).toBeLessThan(101_000);
});

test('an answer has as many as it has room for, the smallest first', async () => {
  const author = await signUp();
  const { schema, userId } = shardOf(author);
  const names = Array.from({ length: 13 }, (_, index) => `file ${index}`);
  const keep = (hash: string, bytes: number) =>
    database.query(
      `insert into ${schema}.deltas (user_id, block_hash, base, encoded)
       values ($1, decode($2, 'hex'), sha256('base'), decode(repeat('00', $3), 'hex'))`,
      [userId, hash, bytes],
    );
  for (const path of names) {
    const content = randomBytes(limits.smallBytes + 1);
    await author.save(path, content);
    await keep(await hashOf(content), path === names.at(-1) ? 1 : limits.keptDeltaBytes);
  }
  const files = names.map((path) => ({ path }));
  const { status, body } = await author.call('POST', '/download', { device_id: author.device, files });
  expect(status).toBe(200);
  const { deltas, urls } = DownloadResponse.parse(body);
  const sizes = Object.values(deltas).map(({ encoded }) => Buffer.from(encoded, 'base64').length);
  expect(Math.min(...sizes)).toBe(1);
  expect(sizes.length).toBeGreaterThan(5);
  expect(JSON.stringify(deltas).length).toBeLessThan(limits.contentBytesPerAnswer);
  expect(Object.keys(urls)).toHaveLength(names.length);

  const little = { device_id: author.device, files, contents: 32 * 1024 };
  const slow = DownloadResponse.parse((await author.call('POST', '/download', little)).body);
  expect(Object.keys(slow.deltas), 'as many as a slow line takes').toHaveLength(2);
});

test('a user has the latest ones, with as many bytes as the limit says', async () => {
  const author = await signUp();
  const { schema, userId } = shardOf(author);
  const before = randomBytes(200_000);
  await author.save('b', before);
  const most = limits.keptDeltasBytes / limits.keptDeltaBytes;
  await keepMany(author, most, limits.keptDeltaBytes);
  const content = Buffer.concat([Buffer.from('another'), before]);
  await edit(author, 'b', content, encodeDelta(before, content));
  const { rows } = await database.query<{ count: number; bytes: number; newest: boolean }>(
    `select count(*)::int, sum(octet_length(encoded))::int as bytes, bool_or(octet_length(encoded) < 1000) as newest
     from ${schema}.deltas where user_id = $1`,
    [userId],
  );
  expect(rows[0]).toMatchObject({ count: most, newest: true });
  expect(rows[0]!.bytes).toBeLessThanOrEqual(limits.keptDeltasBytes);
});

test('a user has the latest ones, as many as the limit says, for as many days', async () => {
  const { schema, userId } = shardOf(user);
  const before = randomBytes(200_000);
  await user.save('b', before);
  await keepMany(user, limits.keptDeltas, 1);
  const count = async () =>
    (await database.query<{ count: number }>(`select count(*)::int from ${schema}.deltas where user_id = $1`, [userId]))
      .rows[0]!.count;
  const content = Buffer.concat([Buffer.from('another'), before]);
  await edit(user, 'b', content, encodeDelta(before, content));
  expect(await count()).toBe(limits.keptDeltas);
  expect(Object.keys((await locate(user, 'b')).deltas)).toEqual([await hashOf(content)]);

  await database.query(
    `update ${schema}.deltas set created_at = created_at - $2 * interval '1 day' where user_id = $1`,
    [userId, limits.deltaDays],
  );
  const shard = { number: 0, schema };
  expect(await transaction(database, (sql) => removeOldDeltas({ ...shard, sql }, limits.keptDeltas + 1))).toBe(
    limits.keptDeltas,
  );
  expect((await locate(user, 'b')).deltas).toEqual({});
});
