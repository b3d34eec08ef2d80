import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { blocksOf, offer } from '../support/user.ts';
import { hashOf } from './support/blocks.ts';
import { download, errorOf, finalize, init, prove, put, sendProofs } from './support/calls.ts';
import { database, signUp } from './support/service.ts';

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

test('after a wrong proof the upload has to send the block', async () => {
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

test('a proof for an old challenge or for another upload does not count', async () => {
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

test('a proof counts for its own upload only', async () => {
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

test('who claims another size than a stored block has is told nothing of it', async () => {
  const [owner, user] = await Promise.all([signUp(), signUp()]);
  const bytes = content();
  await owner.save('secret', bytes);
  const file = await offer('guess', bytes, 0);
  const { send } = await init(user, [{ ...file, size: 1, blocks: [{ ...file.blocks[0]!, size: 1 }] }]);
  expect(send).toMatchObject([{ how: 'put' }]);
});

test('what an upload has to send it has to send for good: asking again does not tell that somebody stores it now', async () => {
  const [owner, user] = await Promise.all([signUp(), signUp()]);
  const bytes = content();
  const files = [await offer('watched', bytes, 0)];
  const { upload_id, send } = await init(user, files);
  expect(send).toMatchObject([{ how: 'put' }]);
  await owner.save('new', bytes);
  expect((await init(user, files, upload_id)).send).toMatchObject([{ how: 'put' }]);
});

test('claims are counted, proven ones given back, and beyond the limit of a day the content is asked for', async () => {
  const [owner, user] = await Promise.all([signUp(), signUp()]);
  const [first, second, third] = [content(), content(), content()];
  for (const bytes of [first, second, third]) await owner.save(await hashOf(bytes), bytes);
  const claimed = async () =>
    (await database.query<{ claimed: number }>('select claimed from blocks.claims where user_id = $1', [user.id]))
      .rows[0]?.claimed;
  const left = async (claims: number, hours = 0) =>
    await database.query(
      `update blocks.claims set claimed = $2, since = since - $3 * interval '1 hour' where user_id = $1`,
      [user.id, limits.claimsPerDay - claims, hours],
    );

  const { upload_id, send } = await init(user, [await offer('first', first, 0), await offer('new', content(), 0)]);
  expect(await claimed()).toBe(2);
  await init(await user.addDevice(), [await offer('first', first, 0), await offer('new', content(), 0)]);
  expect(await claimed()).toBe(4);
  await prove(
    user,
    upload_id,
    send.filter(({ how }) => how === 'prove'),
    first,
  );
  expect(await claimed()).toBe(3);

  await left(1);
  const files = [await offer('second', second, 0), await offer('third', third, 0)];
  const beyond = await init(user, files);
  expect(beyond.send.map(({ how }) => how).sort()).toEqual(['prove', 'put']);
  expect((await init(user, files, beyond.upload_id)).send.map(({ how }) => how).sort()).toEqual(['prove', 'put']);
  await left(0, 25);
  expect((await init(user, files)).send).toMatchObject([{ how: 'prove' }, { how: 'prove' }]);
});

test('a challenge is answered once in a call', async () => {
  const [owner, user] = await Promise.all([signUp(), signUp()]);
  const bytes = content();
  await owner.save('secret', bytes);
  const { upload_id, send } = await init(user, [await offer('mine', bytes, 0)]);
  const guesses = ['a', 'b'].map((digit) => ({ hash: send[0]!.hash, proof: digit.repeat(64) }));
  const body = { upload_id, device_id: user.device, proofs: guesses };
  errorOf(await user.call('POST', '/prove', body), 'bad_request');
  expect((await prove(user, upload_id, send, bytes)).results).toEqual([{ hash: send[0]!.hash }]);
});

test('who does not show that he has a block keeps it no longer than three days beyond its grace period', async () => {
  const [owner, user] = await Promise.all([signUp(), signUp()]);
  const bytes = content();
  await owner.save('deleted', bytes);
  const hash = await hashOf(bytes);
  const files = [await offer('claimed', bytes, 0)];
  const other = await user.addDevice();
  const { upload_id } = await init(other, files);
  const hoursLeft = async (sinceGrace: number): Promise<number[]> => {
    await database.query(
      `update blocks.blocks set ref_count = 0, delete_after = now() - $2 * interval '1 hour' where block_hash = $1`,
      [Buffer.from(hash, 'hex'), sinceGrace],
    );
    const renewed = [upload_id, (await init(user, files)).upload_id];
    await init(other, files, upload_id);
    const { rows } = await database.query<{ hours: number }>(
      `select round(extract(epoch from keeps_until - now()) / 3600)::int as hours from blocks.pins
       where user_id = $1 and upload_id = any($2)`,
      [user.id, renewed],
    );
    return rows.map(({ hours }) => hours);
  };
  expect(await hoursLeft(-72)).toEqual([72, 72]);
  expect(await hoursLeft(50)).toEqual([22, 22]);
  expect(await hoursLeft(80)).toEqual([-8, -8]);
  const again = await init(user, files);
  expect((await prove(user, again.upload_id, again.send, bytes)).results).toEqual([{ hash }]);
  expect(await finalize(user, again.upload_id), 'a late upload ends').toMatchObject([{ version: 1 }]);
});
