import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { encodeDelta } from '../../codec/index.ts';
import { limits } from '../../protocol/limits.ts';
import { Pack } from '../support/call-packs.ts';
import type { SavedFile } from '../support/call-save.ts';
import { damageBlock } from '../support/storage.ts';
import { offer, type User } from '../support/user.ts';
import { blockRow, hashOf, objectVersions } from './support/blocks.ts';
import { download, errorOf, finalize, init, locate, put, resultsOf, save } from './support/calls.ts';
import { data, database, signUp } from './support/service.ts';

/* Packs that a device sends to the store itself, and a save names. */

const file = (path: string, bytes = 20_000): SavedFile => ({ path, content: randomBytes(bytes) });

/** How many packs of the user no save has used. */
async function unused(user: User): Promise<number> {
  const { rows } = await database.query<{ pins: number }>(
    'select count(*)::int as pins from blocks.pins where user_id = $1',
    [user.id],
  );
  return rows[0]!.pins;
}

test('a save takes contents out of a pack that was sent, which stays as it came', async () => {
  const user = await signUp();
  const pack = new Pack([file('a'), file('b', 200_000), file('c')]);
  await pack.send(user);
  expect(await blockRow(pack.hash)).toMatchObject({ state: 'pending' });
  expect(resultsOf(await pack.save(user))).toMatchObject([{ version: 1 }, { version: 1 }, { version: 1 }]);
  for (const { path, content } of pack.files) {
    expect((await download(user, path)).equals(content)).toBe(true);
    expect(Object.values((await locate(user, path)).packed)).toMatchObject([{ pack: pack.hash }]);
    expect(await objectVersions(await hashOf(content))).toEqual([]);
  }
  expect(await blockRow(pack.hash)).toMatchObject({ state: 'live', ref_count: 0, hours_left: null });
  expect(await objectVersions(pack.hash)).toHaveLength(1);
  expect(await unused(user)).toBe(0);
});

test('what fits a row becomes one, wherever it came from', async () => {
  const user = await signUp();
  const pack = new Pack([file('small', 100), file('large')]);
  await pack.send(user);
  resultsOf(await pack.save(user));
  expect(Object.keys((await locate(user, 'small')).contents)).toHaveLength(1);
  expect(Object.keys((await locate(user, 'large')).packed)).toHaveLength(1);
});

test('repeated, both calls do nothing more', async () => {
  const user = await signUp();
  const pack = new Pack([file('a'), file('b')]);
  await pack.send(user);
  await pack.send(user);
  expect(await unused(user)).toBe(1);
  const id = randomUUID();
  const results = resultsOf(await pack.save(user, { id }));
  expect(resultsOf(await pack.save(user, { id }))).toEqual(results);
});

test('a pack that did not come is missing, and its files go another way under the same id', async () => {
  const user = await signUp();
  const pack = new Pack([file('a')]);
  expect((await pack.init(user)).status).toBe(200);
  const id = randomUUID();
  errorOf(await pack.save(user, { id }), 'blocks_missing');
  const { content } = pack.files[0]!;
  const { send } = await init(user, [await offer('a', content, 0)], id);
  await put(send, content);
  expect(await finalize(user, id)).toMatchObject([{ version: 1 }]);
  expect((await download(user, 'a')).equals(content)).toBe(true);
});

test('who knows the hash of a pack reads nothing of it, whether or not he asked to send it', async () => {
  const [owner, other] = [await signUp(), await signUp()];
  const pack = new Pack([file('secret'), file('other')]);
  await pack.send(owner);
  resultsOf(await pack.save(owner));
  errorOf(await pack.save(other), 'blocks_missing');
  expect((await pack.init(other)).status).toBe(200);
  errorOf(await pack.save(other), 'blocks_missing');
  expect((await download(owner, 'secret')).equals(pack.files[0]!.content)).toBe(true);
});

test('one bad content of a pack fails alone', async () => {
  const user = await signUp();
  const bad = { ...file('bad'), encoded: encodeDelta(new Uint8Array(0), randomBytes(20_000)) };
  const good = file('good');
  const pack = new Pack([bad, good]);
  await pack.send(user);
  expect(resultsOf(await pack.save(user))).toMatchObject([{ error: { code: 'bad_delta' } }, { version: 1 }]);
  expect((await download(user, 'good')).equals(good.content)).toBe(true);
});

test('a pack that is damaged in the store brings nothing', async () => {
  const user = await signUp();
  const pack = new Pack([file('a')]);
  await pack.send(user);
  await damageBlock(data, pack.hash);
  errorOf(await pack.save(user), 'blocks_missing');
});

test('contents that are not all of their pack are refused, before anything is done', async () => {
  const user = await signUp();
  const pack = new Pack([file('a'), file('b')]);
  await pack.send(user);
  const whole = pack.block;
  Object.defineProperty(pack, 'block', { value: { ...whole, size: whole.size + 1 } });
  errorOf(await pack.save(user), 'bad_request');
});

test('a pack has the size that came, whatever a save says', async () => {
  const user = await signUp();
  const pack = new Pack([file('a', 100_000)]);
  await pack.send(user);
  Object.defineProperty(pack, 'block', { value: { hash: pack.hash, size: 1 } });
  Object.defineProperty(pack, 'lengths', { value: [1] });
  errorOf(await pack.save(user), 'blocks_missing');
  expect(await blockRow(pack.hash)).toMatchObject({ state: 'pending' });
  expect(await unused(user)).toBe(1);
});

test('a save whose packs are no list of packs is refused', async () => {
  const user = await signUp();
  const pack = new Pack([file('a')]);
  await pack.send(user);
  errorOf(await pack.save(user, { packs: [pack.block, pack.block] }), 'bad_request');
  errorOf(await pack.save(user, { packs: [] }), 'bad_request');
});

test('who asks to send a pack does not keep its block for longer', async () => {
  const user = await signUp();
  const pack = new Pack([file('a')]);
  await pack.send(user);
  resultsOf(await pack.save(user));
  const key = Buffer.from(pack.hash, 'hex');
  await database.query("update blocks.blocks set delete_after = now() + interval '5 hours' where block_hash = $1", [
    key,
  ]);
  await pack.init(user);
  expect(await blockRow(pack.hash)).toMatchObject({ hours_left: 5 });
});

test('packs of which little is used count for the user until they go, and so many may wait', async () => {
  const user = await signUp();
  const [little, much] = [file('little'), file('much', 100_000)];
  const pack = new Pack([little, much]);
  await pack.send(user);
  resultsOf(await pack.save(user, { files: [little] }));
  expect(await unused(user)).toBe(1);
  const blocks = Array.from({ length: limits.openPacks - 1 }, () => ({
    hash: randomBytes(32).toString('hex'),
    size: 1,
  }));
  const ask = (packs: readonly object[]) => user.call('POST', '/packs', { device_id: user.device, packs });
  for (let at = 0; at < blocks.length; at += limits.packsPerCall) {
    expect((await ask(blocks.slice(at, at + limits.packsPerCall))).status).toBe(200);
  }
  const one = { hash: randomBytes(32).toString('hex'), size: 1 };
  errorOf(await ask([one]), 'limit_exceeded');
  expect(await blockRow(one.hash)).toBeUndefined();
  expect((await ask([blocks[0]!])).status).toBe(200);
  errorOf(await ask(Array.from({ length: limits.packsPerCall + 1 }, () => one)), 'limit_exceeded');
  // What fits a call goes on.
  expect(await save(user, [file('note', 100)])).toMatchObject([{ version: 1 }]);
});

test('a pack has the bytes of a block that versions hold, and neither ends with the other', async () => {
  const user = await signUp();
  const pack = new Pack([file('a')]);
  const { upload_id, send } = await init(user, [
    {
      path: 'same',
      kind: 'file',
      size: pack.bytes.length,
      mtime_ms: 0,
      mode: 0o644,
      base_version: 0,
      blocks: [pack.block],
    },
  ]);
  await put(send, pack.bytes);
  await finalize(user, upload_id);
  await pack.send(user);
  resultsOf(await pack.save(user));
  expect(await blockRow(pack.hash)).toMatchObject({ state: 'live', ref_count: 1, hours_left: null });
  expect((await download(user, 'same')).equals(pack.bytes)).toBe(true);
  expect((await download(user, 'a')).equals(pack.files[0]!.content)).toBe(true);
});
