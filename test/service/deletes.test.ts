import { randomBytes, randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { offer, type User } from '../support/user.ts';
import {
  allChanges,
  deleteFiles,
  directory,
  errorOf,
  finalize,
  history,
  init,
  put,
  resultsOf,
  tree,
} from './support/calls.ts';
import { signUp } from './support/service.ts';

let user: User;
beforeEach(async () => {
  user = await signUp();
  const content = randomBytes(10);
  const { upload_id, send } = await init(user, [
    directory('dir'),
    directory('dir/sub'),
    await offer('dir/sub/file', content, 0),
    await offer('file', content, 0),
  ]);
  await put(send, content);
  await finalize(user, upload_id);
});

const at = (...paths: string[]) => paths.map((path) => ({ path, base_version: 1 }));

test('a deleted file leaves the tree and keeps its history', async () => {
  expect(resultsOf(await deleteFiles(user, at('file')))).toMatchObject([{ path: 'file', version: 2 }]);
  expect((await tree(user)).entries.map(({ name }) => name)).toEqual(['dir']);
  expect(await history(user, 'file')).toMatchObject([
    { version: 2, change_type: 'delete', restorable: false },
    { version: 1, change_type: 'create', restorable: true },
  ]);
});

test('a directory goes with everything in it, named in one call in any order', async () => {
  resultsOf(await deleteFiles(user, at('dir', 'dir/sub/file', 'dir/sub')));
  expect((await tree(user)).entries.map(({ name }) => name)).toEqual(['file']);
});

test('a directory stays while something is in it that the call does not name, or names with a stale version', async () => {
  errorOf(await deleteFiles(user, at('dir')), 'path_conflict');
  errorOf(await deleteFiles(user, at('dir', 'dir/sub')), 'path_conflict');
  const answer = await deleteFiles(user, [...at('dir', 'dir/sub'), { path: 'dir/sub/file', base_version: 7 }]);
  expect(resultsOf(answer)).toMatchObject([
    { path: 'dir', error: { code: 'path_conflict' } },
    { path: 'dir/sub', error: { code: 'path_conflict' } },
    { path: 'dir/sub/file', error: { code: 'stale_version', current_version: 1 } },
  ]);
  expect(await allChanges(user)).toHaveLength(4);
});

test('a retry answers the same, and deletes nothing twice', async () => {
  const request = randomUUID();
  const first = resultsOf(await deleteFiles(user, at('file'), request));
  await user.save('file', randomBytes(10));
  expect(resultsOf(await deleteFiles(user, at('file'), request))).toEqual(first);
  expect((await tree(user)).entries.map(({ name }) => name)).toEqual(['dir', 'file']);
});

test('what is not there cannot be deleted', async () => {
  errorOf(await deleteFiles(user, at('nothing')), 'stale_version');
  errorOf(await deleteFiles(user, at('file', 'file')), 'bad_request');
});
