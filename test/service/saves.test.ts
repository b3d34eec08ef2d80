import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { encodeDelta } from '../../codec/index.ts';
import type { CommitResult } from '../../protocol/commit.ts';
import { limits } from '../../protocol/limits.ts';
import { encodeSaveBody, saveContentType } from '../../protocol/save.ts';
import { callSave } from '../support/call-save.ts';
import { offer } from '../support/user.ts';
import { blockRow, hashOf, objectVersions } from './support/blocks.ts';
import {
  applyDeltas,
  download,
  errorOf,
  finalize,
  init,
  locate,
  put,
  restoreFile,
  resultsOf,
  save,
} from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

const note = () => Buffer.from(`a note, ${randomUUID()}\n`);
const codesOf = (results: readonly CommitResult[]) =>
  results.map((result) => ('error' in result ? result.error.code : 'done'));

/** Bytes that a user has in rows, as they are booked. */
async function bookedOf(id: string): Promise<number> {
  const { rows } = await database.query<{ bytes: number }>(
    'select bytes from blocks.content_bytes where user_id = $1',
    [id],
  );
  return rows[0]?.bytes ?? 0;
}

test('a small file is there after one call, and comes back in the answer, with no object', async () => {
  const user = await signUp();
  const [content, empty] = [note(), Buffer.alloc(0)];
  const results = await save(user, [
    { path: 'note', content },
    { path: 'empty', content: empty },
  ]);
  expect(results).toMatchObject([
    { path: 'note', version: 1, cursor: 1 },
    { path: 'empty', version: 1, cursor: 2 },
  ]);
  const hash = await hashOf(content);
  expect(await locate(user, 'note')).toMatchObject({ urls: {}, contents: { [hash]: expect.any(String) } });
  expect(await download(user, 'note')).toEqual(content);
  expect(await objectVersions(hash)).toEqual([]);
  expect(await blockRow(hash)).toMatchObject({ state: 'live', ref_count: 1 });
});

test('a content that is bad, too small, too large or absent fails its own file, which can still be sent', async () => {
  const user = await signUp();
  const contents = Array.from({ length: 4 }, note);
  const other = encodeDelta(new Uint8Array(0), note());
  const files = [
    { path: 'good', content: contents[0]! },
    { path: 'garbage', content: contents[1]!, encoded: Buffer.from('garbage') },
    { path: 'another', content: contents[2]!, encoded: other },
    { path: 'absent', content: contents[3]!, encoded: null },
  ];
  const id = randomUUID();
  expect(codesOf(await save(user, files, id))).toEqual(['done', 'bad_delta', 'bad_delta', 'blocks_missing']);
  const { send } = await init(user, await Promise.all(files.map(({ path, content }) => offer(path, content, 0))), id);
  expect(send).toHaveLength(3);
  await put(send, ...contents);
  expect(codesOf(await finalize(user, id))).toEqual(Array(4).fill('done'));
  for (const { path, content } of files) expect(await download(user, path)).toEqual(content);
});

test('a call in which all is bad says why, and one beyond its limits is refused before anything is opened', async () => {
  const user = await signUp();
  errorOf(await callSave(user, [{ path: 'a', content: note(), encoded: Buffer.from('garbage') }]), 'bad_delta');
  errorOf(await callSave(user, [{ path: 'b', content: Buffer.alloc(limits.smallBytes + 1) }]), 'bad_request');
  errorOf(await callSave(user, [{ path: 'c', content: randomBytes(limits.smallEncodedBytes + 1) }]), 'bad_request');
  const many = Array.from({ length: limits.contentsPerCall + 1 }, (_, index) => ({
    path: `many/${index}`,
    content: Buffer.from(`${index}`),
  }));
  errorOf(await callSave(user, many), 'limit_exceeded');
});

test('a content that decodes to more than it may is not decoded', async () => {
  const user = await signUp();
  const content = Buffer.alloc(1000);
  const bomb = encodeDelta(new Uint8Array(0), Buffer.alloc(limits.blockBytes));
  expect(bomb.length).toBeLessThan(100);
  const { details } = errorOf(await callSave(user, [{ path: 'bomb', content, encoded: bomb }]), 'bad_delta');
  expect(JSON.stringify(details)).toMatch(/declares 4194304 bytes, 1000 were expected/);
});

test('a header that is not what its envelope says is refused', async () => {
  const user = await signUp();
  const json = Buffer.from(
    JSON.stringify({ upload_id: randomUUID(), device_id: user.device, files: [], contents: [] }),
  );
  const header = { encoded: encodeDelta(new Uint8Array(0), json), size: json.length, hash: await hashOf(json) };
  const call = (changed: Partial<typeof header>) =>
    user.call('POST', '/save', encodeSaveBody({ ...header, ...changed }, []), { 'content-type': saveContentType });
  const bomb = encodeDelta(new Uint8Array(0), Buffer.alloc(limits.blockBytes));
  expect(errorOf(await call({ hash: await hashOf(Buffer.from('another')) }), 'bad_request').message).toMatch(/SHA-256/);
  expect(errorOf(await call({ encoded: bomb }), 'bad_request').message).toMatch(/declares 4194304 bytes/);
  expect(errorOf(await call({ encoded: Buffer.from('garbage') }), 'bad_request').message).toMatch(/cannot be decoded/);
  errorOf(await call({ size: limits.binaryBodyBytes + 1 }), 'bad_request');
});

test('repeated, by this call or by finalize, it answers the same and changes nothing', async () => {
  const user = await signUp();
  const files = [
    { path: 'a', content: note() },
    { path: 'b', content: note(), base: 7 },
  ];
  const id = randomUUID();
  const first = await save(user, files, id);
  expect(codesOf(first)).toEqual(['done', 'stale_version']);
  expect(await save(user, files, id)).toEqual(first);
  expect(await finalize(user, id)).toEqual(first.slice(0, 1));
  errorOf(await callSave(user, files.slice(0, 1), id), 'upload_gone');
  expect(await blockRow(await hashOf(files[0]!.content))).toMatchObject({ ref_count: 1 });
});

test('the answer has the same form whether or not somebody else has the content, in rows or in the store', async () => {
  const [owner, user] = [await signUp(), await signUp()];
  const [row, object] = [note(), note()];
  await save(owner, [{ path: 'row', content: row }]);
  await owner.save('object', object);
  const results = await save(user, [
    { path: 'row', content: row },
    { path: 'object', content: object },
    { path: 'new', content: note() },
  ]);
  expect(codesOf(results)).toEqual(['done', 'done', 'done']);
  for (const path of ['row', 'object', 'new']) {
    const { urls, contents } = await locate(user, path);
    expect({ path, urls: Object.keys(urls).length, contents: Object.keys(contents).length }).toEqual({
      path,
      urls: 0,
      contents: 1,
    });
  }
});

test('a content that somebody has in rows is sent by whoever offers it otherwise, and read from where he sent it', async () => {
  const [owner, user] = [await signUp(), await signUp()];
  const content = note();
  const hash = await hashOf(content);
  await save(owner, [{ path: 'theirs', content }]);
  const { upload_id, send } = await init(user, [await offer('mine', content, 0)]);
  expect(send, 'nothing is proved').toMatchObject([{ hash, how: 'put' }]);
  errorOf(await user.finalize(upload_id), 'blocks_missing');
  await put(send, content);
  await finalize(user, upload_id);
  expect(await locate(user, 'mine')).toMatchObject({ urls: { [hash]: expect.any(String) }, contents: {} });
  expect(await locate(owner, 'theirs')).toMatchObject({ urls: {}, contents: { [hash]: expect.any(String) } });
});

test('a small content may be the base of a delta, and come of one', async () => {
  const user = await signUp();
  const [base, target] = [note(), note()];
  await save(user, [{ path: 'a', content: base }]);
  const where = { path: 'a', version: 1, first: 0, count: 1 };
  const delta = encodeDelta(base, target);
  const offered = await offer('a', target, 1);
  const blocks = offered.blocks.map((block) => ({ ...block, delta: { base: where, bytes: delta.length } }));
  const { upload_id, send } = await init(user, [{ ...offered, blocks }]);
  expect(send).toMatchObject([{ how: 'delta' }]);
  const item = { hash: await hashOf(target), size: target.length, base: where, delta };
  expect((await applyDeltas(user, upload_id, [item])).results).toEqual([{ hash: item.hash }]);
  await finalize(user, upload_id);
  expect(await download(user, 'a')).toEqual(target);
  resultsOf(await restoreFile(user, { path: 'a', version: 1, base_version: 2 }));
  expect(await download(user, 'a')).toEqual(base);
});

test('a quota is kept, and what a user has in rows is counted and bounded', async () => {
  const user = await signUp();
  const content = note();
  await save(user, [{ path: 'a', content }]);
  const encoded = encodeDelta(new Uint8Array(0), content).length;
  expect(await bookedOf(user.id)).toBe(encoded);
  // The same content once more takes no more.
  await save(user, [{ path: 'b', content }]);
  expect(await bookedOf(user.id)).toBe(encoded);

  await database.query('update blocks.content_bytes set bytes = $2 where user_id = $1', [user.id, limits.contentBytes]);
  const more = note();
  const id = randomUUID();
  errorOf(await callSave(user, [{ path: 'c', content: more }], id), 'blocks_missing');
  const { send } = await init(user, [await offer('c', more, 0)], id);
  await put(send, more);
  expect(codesOf(await finalize(user, id))).toEqual(['done']);
  expect(await download(user, 'c')).toEqual(more);

  const { sql, schema } = shardOf(user);
  await sql.query(`update ${schema}.accounts set quota_bytes = 10 where user_id = $1`, [user.id]);
  errorOf(await callSave(user, [{ path: 'd', content: note() }]), 'quota_exceeded');
});
