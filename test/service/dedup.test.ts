import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { blocksOf, offer } from '../support/user.ts';
import { download, errorOf, finalize, init, prove, put, sendProofs } from './support/calls.ts';
import { signUp } from './support/service.ts';

const content = () => randomBytes(10_000);

test('a block that the user holds is not sent again, under any path', async () => {
  const user = await signUp();
  const bytes = content();
  await user.save('one', bytes);
  const { upload_id, send } = await init(user, [await offer('two', bytes, 0)]);
  expect(send).toEqual([]);
  expect(await finalize(user, upload_id)).toMatchObject([{ path: 'two', version: 1 }]);
});

test("another user's block costs no upload once possession of its content is proved", async () => {
  const [owner, user] = await Promise.all([signUp(), signUp()]);
  const bytes = content();
  await owner.save('shared.bin', bytes);
  const { upload_id, send } = await init(user, [await offer('mine.bin', bytes, 0)]);
  expect(send).toMatchObject([{ how: 'prove' }]);
  errorOf(await user.finalize(upload_id), 'blocks_missing');
  expect(await prove(user, upload_id, send, bytes)).toEqual({ results: [{ hash: send[0]!.hash }] });
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 1 }]);
  expect((await download(user, 'mine.bin')).equals(bytes)).toBe(true);
});

test('after a wrong proof the session has to send the block', async () => {
  const [owner, user] = await Promise.all([signUp(), signUp()]);
  const bytes = content();
  await owner.save('secret', bytes);
  const file = await offer('mine', bytes, 0);
  const { upload_id, send } = await init(user, [file]);
  const { hash } = send[0]!;
  const { results } = await sendProofs(user, upload_id, [{ hash, proof: 'a'.repeat(64) }]);
  expect(results).toMatchObject([{ hash, error: { code: 'content_mismatch' } }]);
  // The right answer comes too late: the challenge was used.
  expect((await prove(user, upload_id, send, bytes)).results).toMatchObject([{ error: { code: 'not_found' } }]);
  errorOf(await user.finalize(upload_id), 'blocks_missing');

  const again = await init(user, [file], upload_id);
  expect(again.send).toMatchObject([{ hash, how: 'put' }]);
  await put(again.send, bytes);
  expect(await finalize(user, upload_id)).toMatchObject([{ version: 1 }]);
});

test('a proof for an old challenge or for another session does not count', async () => {
  const [owner, user] = await Promise.all([signUp(), signUp()]);
  const bytes = content();
  await owner.save('secret', bytes);
  const [first, second] = [
    await init(user, [await offer('one', bytes, 0)]),
    await init(user, [await offer('two', bytes, 0)]),
  ];
  const answer = await prove(user, second.upload_id, first.send, bytes);
  expect(answer.results).toMatchObject([{ error: { code: 'content_mismatch' } }]);
  await init(user, [await offer('one', bytes, 0)], first.upload_id);
  const late = await prove(user, first.upload_id, first.send, bytes);
  expect(late.results).toMatchObject([{ error: { code: 'content_mismatch' } }]);
});

test('a proof counts for its own session only', async () => {
  const [owner, user] = await Promise.all([signUp(), signUp()]);
  const bytes = content();
  await owner.save('secret', bytes);
  const { upload_id, send } = await init(user, [await offer('mine', bytes, 0)]);
  await prove(user, upload_id, send, bytes);
  const other = await init(user, [await offer('also-mine', bytes, 0)]);
  expect(other.send).toMatchObject([{ how: 'prove' }]);
});

test('a block that no challenge was made for cannot be proved', async () => {
  const user = await signUp();
  const { upload_id } = await init(user, [await offer('mine', content(), 0)]);
  const { results } = await sendProofs(user, upload_id, [{ hash: '0'.repeat(64), proof: '0'.repeat(64) }]);
  expect(results).toMatchObject([{ error: { code: 'not_found' } }]);
});

test('a known hash with a wrong size is refused', async () => {
  const user = await signUp();
  const bytes = content();
  await user.save('right', bytes);
  const file = await offer('wrong', bytes, 0);
  const size = bytes.length + 1;
  const { upload_id, send } = await init(user, [{ ...file, size, blocks: [{ ...file.blocks[0]!, size }] }]);
  expect(send).toEqual([]);
  errorOf(await user.finalize(upload_id), 'content_mismatch');
});

test('a block that comes many times in a file is sent once', async () => {
  const user = await signUp();
  const zeros = Buffer.alloc(12 * 1024 * 1024);
  const { upload_id, send } = await init(user, [await offer('zeros', zeros, 0)]);
  const [block] = await blocksOf(zeros);
  expect(send.filter(({ how }) => how === 'put').length).toBeLessThanOrEqual(1);
  expect(new Set(send.map(({ hash }) => hash))).toEqual(new Set([block!.hash]));
  await put(send, zeros);
  await finalize(user, upload_id);
  expect((await download(user, 'zeros')).equals(zeros)).toBe(true);
});
