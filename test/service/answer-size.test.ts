import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { offer, type User } from '../support/user.ts';
import { changes, finalize, init, put, tree } from './support/calls.ts';
import { signUp } from './support/service.ts';

/** As many that the entries of two files fit an answer, of Lambda's 6 MB, and those of three do not. */
const blocksPerFile = 15_000;
let user: User;

beforeAll(async () => {
  user = await signUp();
  const content = randomBytes(1);
  const { blocks, ...file } = await offer('one', content, 0);
  const many = { ...file, size: blocksPerFile, blocks: Array.from({ length: blocksPerFile }, () => blocks[0]!) };
  for (const path of ['a', 'b', 'c', 'd']) {
    const { upload_id, send } = await init(user, [{ ...many, path }]);
    await put(send, content);
    await finalize(user, upload_id);
  }
});

test('a page of changes ends before it is too large', async () => {
  const first = await changes(user, 0);
  expect(first).toMatchObject({ cursor: 2, more: true });
  expect(await changes(user, first.cursor)).toMatchObject({ cursor: 4, more: false });
});

test('a page of a directory ends before it is too large', async () => {
  const first = await tree(user);
  expect(first).toMatchObject({ entries: [{ name: 'a' }, { name: 'b' }], next: 'b' });
  const second = await tree(user, undefined, { after: first.next! });
  expect(second.entries.map(({ name }) => name)).toEqual(['c', 'd']);
  expect(second).not.toHaveProperty('next');
});
