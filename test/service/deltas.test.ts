import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { encodeDelta } from '../../codec/index.ts';
import { limits } from '../../protocol/limits.ts';
import type { OfferedFile } from '../../protocol/upload-init.ts';
import { blocksOf, offer, type User } from '../support/user.ts';
import { objectVersions } from './support/blocks.ts';
import {
  applyDeltas,
  callDeltas,
  download,
  errorOf,
  finalize,
  init,
  moveFiles,
  put,
  type TestDelta,
} from './support/calls.ts';
import { signUp } from './support/service.ts';

let user: User;
beforeAll(async () => {
  user = await signUp();
});

type Base = TestDelta['base'];

/** A file of one block, offered with a delta for it. */
async function offerDelta(
  path: string,
  content: Uint8Array,
  { base, source, version = 0 }: { base: Base; source: Uint8Array; version?: number },
): Promise<{ file: OfferedFile; item: TestDelta }> {
  const delta = encodeDelta(source, content);
  const file = await offer(path, content, version);
  const [block] = file.blocks;
  return {
    file: { ...file, blocks: [{ ...block!, delta: { base, bytes: delta.length } }] },
    item: { hash: block!.hash, size: block!.size, base, delta },
  };
}

function edited(content: Uint8Array): Buffer {
  return Buffer.concat([content.subarray(0, 500), Buffer.from('an edit'), content.subarray(500)]);
}

test('a delta against the last version makes the new block, and the event tells its size', async () => {
  const old = randomBytes(50_000);
  await user.save('edited', old);
  const base = { path: 'edited', version: 1, first: 0, count: 1 };
  const { file, item } = await offerDelta('edited', edited(old), { base, source: old, version: 1 });
  const { upload_id, send } = await init(user, [file]);
  expect(send).toEqual([{ hash: item.hash, how: 'delta' }]);
  expect(await applyDeltas(user, upload_id, [item])).toEqual({ results: [{ hash: item.hash }] });
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 2 }]);
  expect((await download(user, 'edited')).equals(edited(old))).toBe(true);
  expect(item.delta.length).toBeLessThan(100);
});

test('a base may be a block with its neighbours', async () => {
  const old = randomBytes(3 * limits.blockBytes);
  await user.save('long', old);
  // All of the middle block's content moves on by some bytes, the last of them into the next block.
  const middle = Buffer.concat([randomBytes(7), old.subarray(limits.blockBytes, 2 * limits.blockBytes - 7)]);
  const base = { path: 'long', version: 1, first: 0, count: 3 };
  const { file, item } = await offerDelta('shifted', middle, { base, source: old });
  const { upload_id } = await init(user, [file]);
  expect((await applyDeltas(user, upload_id, [item])).results).toEqual([{ hash: item.hash }]);
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 1 }]);
  expect((await download(user, 'shifted')).equals(middle)).toBe(true);
});

test('a base has as many small blocks as fit it, and no more bytes than three large ones', async () => {
  const old = randomBytes(16 * limits.blockBytes);
  const pieces = (quarters: number, count: number) =>
    Array.from({ length: count }, (_, index) => {
      const size = (quarters * limits.blockBytes) / 4;
      return old.subarray(index * size, (index + 1) * size);
    });
  for (const { quarters, count, first, error } of [
    { quarters: 2, count: 6, first: 1 },
    { quarters: 4, count: 4, first: 0, error: 'limit_exceeded' },
  ]) {
    const path = `cut-${quarters}`;
    const parts = pieces(quarters, first + count);
    const blocks = (await Promise.all(parts.map(blocksOf))).flat().map(({ hash, size }) => ({ hash, size }));
    const content = Buffer.concat(parts);
    const { upload_id: id, send } = await init(user, [{ ...(await offer(path, content, 0)), blocks }]);
    for (const block of send) await put([block], parts[blocks.findIndex(({ hash }) => hash === block.hash)]!);
    expect(await finalize(user, id)).toMatchObject([{ version: 1 }]);
    const target = Buffer.concat([randomBytes(9), content.subarray(-limits.blockBytes, -9)]);
    const base = { path, version: 1, first, count };
    const source = Buffer.concat(parts.slice(-Math.min(count, 6))).subarray(-3 * limits.blockBytes);
    const { file, item } = await offerDelta(`${path}-new`, target, { base, source });
    const { upload_id } = await init(user, [file]);
    const [result] = (await applyDeltas(user, upload_id, [item])).results;
    expect(result!.error?.code).toBe(error);
  }
});

test('the old path of a moved file still names its versions, whatever was moved there since', async () => {
  const old = randomBytes(5000);
  await user.save('before', old);
  await user.save('other', randomBytes(5000));
  await moveFiles(user, [{ from: 'before', to: 'after', base_version: 1 }]);
  await moveFiles(user, [{ from: 'other', to: 'before', base_version: 1 }]);
  const base = { path: 'before', version: 1, first: 0, count: 1 };
  const { file, item } = await offerDelta('after', edited(old), { base, source: old, version: 2 });
  const { upload_id, send } = await init(user, [file]);
  expect(send).toMatchObject([{ how: 'delta' }]);
  expect((await applyDeltas(user, upload_id, [item])).results).toEqual([{ hash: item.hash }]);
});

test('a base beyond the file, of no version, or of another user is no base', async () => {
  const old = randomBytes(5000);
  await user.save('base', old);
  const stranger = await signUp();
  const right = { path: 'base', version: 1, first: 0, count: 1 };
  for (const [who, base] of [
    [user, { ...right, first: 1 }],
    [user, { ...right, count: 2 }],
    [user, { ...right, version: 2 }],
    [stranger, right],
  ] as const) {
    const { file, item } = await offerDelta('target', edited(old), { base, source: old });
    const { upload_id, send } = await init(who, [file]);
    expect(send).toMatchObject([{ how: 'put' }]);
    expect((await applyDeltas(who, upload_id, [item])).results).toMatchObject([{ error: { code: 'not_found' } }]);
  }
});

test('a bad delta fails alone', async () => {
  const old = randomBytes(5000);
  await user.save('many', old);
  const base = { path: 'many', version: 1, first: 0, count: 1 };
  const offers = await Promise.all(
    ['one', 'two', 'three', 'four'].map((name) =>
      offerDelta(name, Buffer.concat([edited(old), randomBytes(9)]), { base, source: old }),
    ),
  );
  const items = offers.map(({ item }) => item);
  items[1] = { ...items[1]!, delta: items[0]!.delta }; // a good delta of another block
  items[2] = { ...items[2]!, delta: randomBytes(30) };
  const { upload_id } = await init(
    user,
    offers.map(({ file }) => file),
  );
  expect((await applyDeltas(user, upload_id, items)).results).toMatchObject([
    { hash: items[0]!.hash },
    { error: { code: 'bad_delta' } },
    { error: { code: 'bad_delta' } },
    { hash: items[3]!.hash },
  ]);
  expect(await finalize(user, upload_id)).toMatchObject([
    { path: 'one', version: 1 },
    { path: 'two', error: { code: 'blocks_missing' } },
    { path: 'three', error: { code: 'blocks_missing' } },
    { path: 'four', version: 1 },
  ]);
});

test('a block that the upload does not name is not stored', async () => {
  const old = randomBytes(5000);
  await user.save('known', old);
  const { upload_id } = await init(user, [await offer('else', randomBytes(100), 0)]);
  const base = { path: 'known', version: 1, first: 0, count: 1 };
  const { item } = await offerDelta('not-offered', edited(old), { base, source: old });
  expect((await applyDeltas(user, upload_id, [item])).results).toMatchObject([{ error: { code: 'not_found' } }]);
});

test('after a delta that failed the block can be sent whole', async () => {
  const old = randomBytes(5000);
  await user.save('fallback', old);
  const base = { path: 'fallback', version: 1, first: 0, count: 1 };
  const content = edited(old);
  const { file, item } = await offerDelta('fallback', content, { base, source: old, version: 1 });
  const { upload_id } = await init(user, [file]);
  await applyDeltas(user, upload_id, [{ ...item, delta: randomBytes(30) }]);
  const whole = await init(user, [await offer('fallback', content, 1)], upload_id);
  await put(whole.send, content);
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 2 }]);
});

test('equal deltas in one call count once', async () => {
  const old = randomBytes(5000);
  await user.save('twice', old);
  const base = { path: 'twice', version: 1, first: 0, count: 1 };
  const { file, item } = await offerDelta('twice', edited(old), { base, source: old, version: 1 });
  const { upload_id } = await init(user, [file]);
  expect((await applyDeltas(user, upload_id, [item, item])).results).toEqual([
    { hash: item.hash },
    { hash: item.hash },
  ]);
  expect((await blocksOf(edited(old)))[0]!.hash).toBe(item.hash);
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 2 }]);
});

test('a delta makes a block of the size that was offered, and no other', async () => {
  const old = randomBytes(1000);
  await user.save('small', old);
  const base = { path: 'small', version: 1, first: 0, count: 1 };
  const { file, item } = await offerDelta('large', Buffer.alloc(100_000, 7), { base, source: old });
  const cheap = { ...file, size: 1, blocks: [{ ...file.blocks[0]!, size: 1 }] };
  const { upload_id } = await init(user, [cheap]);
  expect((await applyDeltas(user, upload_id, [item])).results).toMatchObject([
    { hash: item.hash, error: { code: 'content_mismatch' } },
  ]);
  expect(await objectVersions(item.hash)).toEqual([]);
});

test('a block is written once, however often its delta comes in one call or in several', async () => {
  const old = randomBytes(1000);
  await user.save('once', old);
  const base = { path: 'once', version: 1, first: 0, count: 1 };
  const { file, item } = await offerDelta('once', edited(old), { base, source: old, version: 1 });
  const { upload_id } = await init(user, [file]);
  for (const count of [5, 1, 1]) {
    const results = Array.from({ length: count }, () => ({ hash: item.hash }));
    expect(await applyDeltas(user, upload_id, new Array<TestDelta>(count).fill(item))).toEqual({ results });
  }
  expect(await objectVersions(item.hash)).toHaveLength(1);
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 2 }]);
});

test('more work than a call has time for is refused before it begins', async () => {
  const old = randomBytes(3 * limits.blockBytes);
  await user.save('much', old);
  const base = { path: 'much', version: 1, first: 0, count: 3 };
  const count = limits.deltaWorkBytes / (3 * limits.blockBytes) + 1;
  const items = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      offerDelta(`work/${index}`, randomBytes(10), { base, source: old.subarray(0, 10) }),
    ),
  );
  const { upload_id } = await init(
    user,
    items.map(({ file }) => file),
  );
  const deltas = items.map(({ item }) => item);
  errorOf(await callDeltas(user, upload_id, deltas), 'limit_exceeded');
  expect(await objectVersions(deltas[0]!.hash)).toEqual([]);
});
