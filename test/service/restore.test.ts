import { randomBytes, randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import type { User } from '../support/user.ts';
import {
  allChanges,
  deleteFiles,
  download,
  errorOf,
  history,
  moveFiles,
  restoreFile,
  resultsOf,
} from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

let contents: Buffer[];
let user: User;
beforeEach(async () => {
  contents = [randomBytes(100), randomBytes(200), randomBytes(300)];
  user = await signUp();
  for (const [index, content] of contents.entries()) await user.save('file', content, index);
});

test('the history lists the versions, newest first, page by page', async () => {
  const query = `/history?device_id=${user.device}&path=file&limit=2`;
  const first = await user.call<{ versions: { version: number }[]; more: boolean }>('GET', query);
  expect(first.body).toMatchObject({ versions: [{ version: 3, size: 300 }, { version: 2 }], more: true });
  const second = await user.call('GET', `${query}&before=2`);
  expect(second.body).toMatchObject({ versions: [{ version: 1, size: 100, change_type: 'create' }], more: false });
});

test('an old version becomes the newest', async () => {
  expect(resultsOf(await restoreFile(user, { path: 'file', version: 1, base_version: 3 }))).toMatchObject([
    { path: 'file', version: 4 },
  ]);
  expect((await download(user, 'file')).equals(contents[0]!)).toBe(true);
  expect((await download(user, 'file', 3)).equals(contents[2]!)).toBe(true);
  expect((await allChanges(user)).at(-1)).toMatchObject({ change_type: 'update', entry: { version: 4, size: 100 } });
});

test('a deleted file comes back, with its history', async () => {
  await deleteFiles(user, [{ path: 'file', base_version: 3 }]);
  expect(resultsOf(await restoreFile(user, { path: 'file', version: 2, base_version: 0 }))).toMatchObject([
    { version: 5 },
  ]);
  expect((await download(user, 'file')).equals(contents[1]!)).toBe(true);
  expect((await history(user, 'file')).map(({ version }) => version)).toEqual([5, 4, 3, 2, 1]);
});

test('a version from before a rename comes back at the new path, named by the path that it had', async () => {
  await moveFiles(user, [{ from: 'file', to: 'renamed', base_version: 3 }]);
  errorOf(await restoreFile(user, { path: 'renamed', version: 1, base_version: 4 }), 'not_found');
  resultsOf(await restoreFile(user, { path: 'renamed', from: 'file', version: 1, base_version: 4 }));
  expect((await download(user, 'renamed')).equals(contents[0]!)).toBe(true);
  // At the old path nothing is: the version becomes a file of its own there.
  resultsOf(await restoreFile(user, { path: 'file', version: 2, base_version: 0 }));
  expect((await download(user, 'file')).equals(contents[1]!)).toBe(true);
  expect((await download(user, 'renamed')).equals(contents[0]!)).toBe(true);
});

test('of many files in one call each is restored or refused alone', async () => {
  const other = await user.save('dir/inside', contents[0]!);
  expect(other).toMatchObject({ version: 1 });
  await deleteFiles(user, [{ path: 'dir/inside', base_version: 1 }]);
  const files = [
    { path: 'file', version: 1, base_version: 3 },
    { path: 'file/below', version: 1, base_version: 0 },
    { path: 'dir/inside', version: 1, base_version: 0 },
  ];
  const body = { request_id: randomUUID(), device_id: user.device, files };
  expect(resultsOf(await user.call('POST', '/restore', body))).toMatchObject([
    { path: 'file', version: 4 },
    { path: 'file/below', error: { code: 'not_found' } },
    { path: 'dir/inside', version: 3 },
  ]);
  const twice = { ...body, request_id: randomUUID(), files: [files[0], files[0]] };
  errorOf(await user.call('POST', '/restore', twice), 'bad_request');
});

test('a tombstone, an unknown version and one that expired cannot be restored', async () => {
  await deleteFiles(user, [{ path: 'file', base_version: 3 }]);
  errorOf(await restoreFile(user, { path: 'file', version: 4, base_version: 0 }), 'not_found');
  errorOf(await restoreFile(user, { path: 'file', version: 9, base_version: 0 }), 'not_found');
});

test('a retry answers the same, and restores once', async () => {
  const request = randomUUID();
  const restore = { path: 'file', version: 1, base_version: 3 };
  const answers = await Promise.all([1, 2, 3].map(() => restoreFile(user, restore, request)));
  for (const answer of answers) expect(resultsOf(answer)).toEqual(resultsOf(answers[0]!));
  expect(await allChanges(user)).toHaveLength(4);
});

test('a refused restore leaves no count behind', async () => {
  const { userId } = shardOf(user);
  const raised = async () =>
    (await database.query(`select count(*) as n from blocks.ledger where user_id = $1`, [userId])).rows[0].n;
  const before = await raised();
  errorOf(await restoreFile(user, { path: 'file', version: 1, base_version: 2 }), 'stale_version');
  expect(await raised()).toBe(before);
});
