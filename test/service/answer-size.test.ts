import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { batched } from '../../client/common/batched.ts';
import { limits } from '../../protocol/limits.ts';
import { movePathBytes } from '../../protocol/move.ts';
import { offer, type User } from '../support/user.ts';
import {
  changes,
  deleteFiles,
  directory,
  errorOf,
  finalize,
  init,
  moveFiles,
  put,
  resultsOf,
  tree,
} from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

/** As many that the entries of two files fit an answer, of Lambda's 6 MB, and those of three do not. */
const blocksPerFile = 15_000;
/** Of a block, so many that a file may have as many. */
const bytes = 2 ** 20;
let user: User;

beforeAll(async () => {
  user = await signUp();
  const { schema, userId } = shardOf(user);
  const quota = 4 * blocksPerFile * bytes;
  await database.query(`update ${schema}.accounts set quota_bytes = $2 where user_id = $1`, [userId, quota]);
  const content = randomBytes(bytes);
  const { blocks, ...file } = await offer('one', content, 0);
  const many = { ...file, size: blocksPerFile * bytes, blocks: Array(blocksPerFile).fill(blocks[0]) };
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

test('pages of paths that grow fourfold in an answer end before they are too large, and go on', async () => {
  const quoting = await signUp();
  const parent = `${'"'.repeat(limits.segmentBytes)}/`.repeat(3);
  const paths = Array.from(
    { length: 2 * limits.filesPerCall },
    (_, n) => parent + `${n}`.padEnd(limits.segmentBytes, '"'),
  );
  const [from, to] = [paths.slice(0, limits.filesPerCall), paths.slice(limits.filesPerCall)];
  await finalize(quoting, (await init(quoting, from.map(directory))).upload_id);
  const moves = from.map((path, index) => ({ from: path, to: to[index]!, base_version: 1 }));
  errorOf(await moveFiles(quoting, moves), 'limit_exceeded');
  for (const call of batched(moves, { most: limits.pathBytesPerCall, of: movePathBytes })) {
    expect(resultsOf(await moveFiles(quoting, call)).filter((result) => 'error' in result)).toEqual([]);
  }

  const deletions = paths.map((path) => ({ path, base_version: 1 }));
  errorOf(await deleteFiles(quoting, deletions), 'limit_exceeded');

  const cursors: number[] = [];
  for (let page = await changes(quoting, 0); ; page = await changes(quoting, page.cursor)) {
    cursors.push(...page.changes.map(({ cursor }) => cursor));
    if (!page.more) break;
  }
  expect(cursors).toEqual(Array.from({ length: 2 * limits.filesPerCall }, (_, index) => index + 1));
});
