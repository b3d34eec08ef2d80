import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { offer } from '../support/user.ts';
import { blockRow, hashOf, references } from './support/blocks.ts';
import { finalize, init, moveFiles, put, restoreFile } from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

test('a block counts every version that holds it once, and the stream confirms the counts', async () => {
  const user = await signUp();
  const content = randomBytes(100);
  const hash = await hashOf(content);
  await user.save('a', content);
  await user.save('b', content);
  expect(await blockRow(hash)).toMatchObject({ state: 'live', ref_count: 2, hours_left: null });
  const states = async () => {
    const { rows } = await database.query(`select state from blocks.ledger where user_id = $1`, [shardOf(user).userId]);
    return rows.map(({ state }) => state);
  };
  await expect.poll(states).toEqual(['confirmed', 'confirmed']);
});

test('a version counts once, however often its call is repeated, and not at all when it was refused', async () => {
  const user = await signUp();
  const other = await user.addDevice();
  const [content, late] = [randomBytes(100), randomBytes(100)];
  const first = await init(user, [await offer('a', content, 0)]);
  await put(first.send, content);
  const loser = await init(other, [await offer('a', late, 0)]);
  await put(loser.send, late);
  await Promise.all([1, 2, 3].map(() => finalize(user, first.upload_id)));
  await Promise.all([1, 2].map(() => other.finalize(loser.upload_id)));
  const restore = randomUUID();
  const restoring = [1, 2, 3].map(() => restoreFile(user, { path: 'a', version: 1, base_version: 1 }, restore));
  await Promise.all(restoring);
  const move = randomUUID();
  const moving = [1, 2, 3].map(() => moveFiles(user, [{ from: 'a', to: 'b', base_version: 2 }], move));
  await Promise.all(moving);
  const hash = await hashOf(content);
  expect(await references(user, hash)).toBe(3);
  expect(await blockRow(hash)).toMatchObject({ ref_count: 3 });
  expect(await blockRow(await hashOf(late))).toMatchObject({ ref_count: 0 });
});
