import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { encodeDelta } from '../../codec/index.ts';
import { limits } from '../../protocol/limits.ts';
import { loseObject } from '../support/bucket.ts';
import { callSave } from '../support/call-save.ts';
import { damageBlock } from '../support/storage.ts';
import { offer, type User } from '../support/user.ts';
import { blockRow, hashOf, objectVersions } from './support/blocks.ts';
import {
  applyDeltas,
  download,
  errorOf,
  finalize,
  init,
  locate,
  offerHealing,
  put,
  resultsOf,
  save,
} from './support/calls.ts';
import { data, database, signUp } from './support/service.ts';

/** Too large for a row, however it is encoded. */
const middling = (bytes = 20_000) => randomBytes(bytes);

async function packOf(user: User, path: string): Promise<string> {
  const { packed } = await locate(user, path);
  const [part] = Object.values(packed);
  return part!.pack;
}

test('contents that are too large for rows lie in one object, and come back out of it', async () => {
  const user = await signUp();
  const files = Array.from({ length: 5 }, (_, index) => ({ path: `${index}`, content: middling() }));
  const note = { path: 'note', content: Buffer.from(`a note, ${randomUUID()}`) };
  expect(await save(user, [...files, note])).toMatchObject([...files, note].map(() => ({ version: 1 })));
  const packs = new Set<string>();
  for (const { path, content } of files) {
    const hash = await hashOf(content);
    expect(await objectVersions(hash)).toEqual([]);
    expect(await blockRow(hash)).toMatchObject({ state: 'live', ref_count: 1 });
    expect((await download(user, path)).equals(content)).toBe(true);
    packs.add(await packOf(user, path));
  }
  expect(packs.size).toBe(1);
  expect(await objectVersions([...packs][0]!)).toHaveLength(1);
  expect(await locate(user, 'note')).toMatchObject({ packed: {}, urls: {} });
  // What is in a pack takes no room in rows.
  const { rows } = await database.query<{ bytes: number }>(
    'select bytes from blocks.content_bytes where user_id = $1',
    [user.id],
  );
  expect(rows[0]!.bytes).toBeLessThan(100);
});

test('repeated, a call makes no second pack, and content that is sent again is read from the last one', async () => {
  const user = await signUp();
  const content = middling();
  const id = randomUUID();
  await save(user, [{ path: 'a', content }], id);
  const first = await packOf(user, 'a');
  await save(user, [{ path: 'a', content }], id);
  expect(await objectVersions(first)).toHaveLength(1);
  await save(user, [
    { path: 'b', content },
    { path: 'c', content: middling() },
  ]);
  expect(await packOf(user, 'a')).not.toBe(first);
  expect((await download(user, 'a')).equals(content)).toBe(true);
  expect(await blockRow(first), 'a database that is restored names it').toMatchObject({ hours_left: 33 * 24 });
});

test('a content from 8 KiB encoded on lies in a pack, and one of 256 KiB that does not compress fits into the call', async () => {
  const user = await signUp();
  const overhead = encodeDelta(new Uint8Array(0), middling(limits.rowBytes)).length - limits.rowBytes;
  const [row, pack, largest] = [
    middling(limits.rowBytes - overhead),
    middling(limits.rowBytes + 1),
    middling(limits.smallBytes),
  ];
  await save(user, [
    { path: 'row', content: row },
    { path: 'pack', content: pack },
    { path: 'largest', content: largest },
  ]);
  expect(Object.keys((await locate(user, 'row')).contents)).toHaveLength(1);
  expect(Object.keys((await locate(user, 'pack')).packed)).toHaveLength(1);
  for (const [path, content] of Object.entries({ row, pack, largest })) {
    expect((await download(user, path)).equals(content)).toBe(true);
  }
});

test('one bad content fails alone, and is in no pack', async () => {
  const user = await signUp();
  const [good, bad] = [middling(), middling()];
  const results = await save(user, [
    { path: 'bad', content: bad, encoded: encodeDelta(new Uint8Array(0), middling()) },
    { path: 'good', content: good },
  ]);
  expect(results).toMatchObject([{ error: { code: 'bad_delta' } }, { version: 1 }]);
  expect((await download(user, 'good')).equals(good)).toBe(true);
  const { packed } = await locate(user, 'good');
  const [{ at, bytes } = { at: -1, bytes: 0 }] = Object.values(packed);
  expect({ at, bytes }).toEqual({ at: 0, bytes: encodeDelta(new Uint8Array(0), good).length });
});

test('a pack is for the user who filled it: others with the same content read their own, or the object', async () => {
  const [owner, user, sender] = [await signUp(), await signUp(), await signUp()];
  const [content, secret] = [middling(), middling()];
  await save(owner, [
    { path: 'secret', content: secret },
    { path: 'common', content },
  ]);
  const theirs = await packOf(owner, 'common');
  await save(user, [{ path: 'common', content }]);
  expect(await packOf(user, 'common')).not.toBe(theirs);
  // Who sent it as an object reads that, and once it is lost nobody's pack.
  const { upload_id, send } = await init(sender, [await offer('common', content, 0)]);
  await put(send, content);
  await finalize(sender, upload_id);
  const hash = await hashOf(content);
  await loseObject(data, hash);
  const suspects = { device_id: sender.device, hashes: [], suspects: [hash] };
  expect(await sender.call('POST', '/heal', suspects)).toMatchObject({ status: 200 });
  expect((await locate(sender, 'common')).packed).toEqual({});
  expect(await offerHealing(sender, hash)).toHaveLength(1);
  expect((await download(owner, 'common')).equals(content)).toBe(true);
  const lacks = [hash, await hashOf(secret), theirs];
  const request = { device_id: user.device, files: [{ path: 'common', lacks }] };
  expect(JSON.stringify((await user.call('POST', '/download', request)).body)).not.toContain(theirs);
});

test('a content of a pack is the base of a delta', async () => {
  const user = await signUp();
  const base = middling();
  await save(user, [
    { path: 'other', content: middling() },
    { path: 'a', content: base },
  ]);
  const target = Buffer.concat([base, Buffer.from('more')]);
  const where = { path: 'a', version: 1, first: 0, count: 1 };
  const delta = encodeDelta(base, target);
  const offered = await offer('a', target, 1);
  const blocks = offered.blocks.map((block) => ({ ...block, delta: { base: where, bytes: delta.length } }));
  const { upload_id } = await init(user, [{ ...offered, blocks }]);
  const item = { hash: await hashOf(target), size: target.length, base: where, delta };
  expect((await applyDeltas(user, upload_id, [item])).results).toEqual([{ hash: item.hash }]);
  await finalize(user, upload_id);
  expect((await download(user, 'a')).equals(target)).toBe(true);
});

test.each(['damaged', 'lost'] as const)(
  'what lies in a %s pack is asked for again, and the rest of it stays',
  async (what) => {
    const user = await signUp();
    const [first, second] = [middling(), middling()];
    await save(user, [
      { path: 'first', content: first },
      { path: 'second', content: second },
    ]);
    const pack = await packOf(user, 'first');
    if (what === 'lost') await loseObject(data, pack);
    else await damageBlock(data, pack);
    const hashes = [await hashOf(first), await hashOf(second)];
    await user.call('POST', '/heal', { device_id: user.device, hashes: [], suspects: hashes });
    const states = await Promise.all(hashes.map(async (hash) => (await blockRow(hash))?.state));
    expect(states).toEqual(what === 'lost' ? ['quarantined', 'quarantined'] : ['quarantined', 'live']);
    // Of a pack in which nothing lies any more collection is not far.
    expect(await blockRow(pack)).toMatchObject({ hours_left: what === 'lost' ? 0 : null });
    const [healing] = await offerHealing(user, hashes[0]!);
    const { url, headers } = healing!;
    expect((await fetch(url, { method: 'PUT', headers, body: new Uint8Array(first) })).status).toBe(200);
    expect(await offerHealing(user, hashes[0]!)).toEqual([]);
    expect((await download(user, 'first')).equals(first)).toBe(true);
  },
);

test('a user who has all that he may in rows goes on with packs, and one at his quota does not', async () => {
  const user = await signUp();
  await save(user, [{ path: 'a', content: middling() }]);
  await database.query('update blocks.content_bytes set bytes = $2 where user_id = $1', [user.id, limits.contentBytes]);
  resultsOf(await callSave(user, [{ path: 'b', content: middling() }]));
  errorOf(await callSave(user, [{ path: 'c', content: Buffer.from(randomUUID()) }]), 'blocks_missing');
});
