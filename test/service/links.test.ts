import { randomUUID } from 'node:crypto';
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
  moveFiles,
  restoreFile,
  resultsOf,
  tree,
} from './support/calls.ts';
import { signUp } from './support/service.ts';

/* A symbolic link is an entry like a file: its content is a path. */

let target: Buffer;
const link = async (path: string, base = 0) => ({ ...(await offer(path, target, base)), kind: 'link' as const });

let user: User;
beforeEach(async () => {
  user = await signUp();
  // Of this user alone: what others have sent is proved.
  target = Buffer.from(`../docs/${randomUUID()}`);
  await user.save('latest', target, 0, 'link');
});

test('is told as a link in tree, changes and history, and comes back as one', async () => {
  expect((await tree(user)).entries).toMatchObject([
    { name: 'latest', entry: { kind: 'link', size: target.length, version: 1 } },
  ]);
  expect(await allChanges(user)).toMatchObject([{ change_type: 'create', entry: { path: 'latest', kind: 'link' } }]);
  await deleteFiles(user, [{ path: 'latest', base_version: 1 }]);
  resultsOf(await restoreFile(user, { path: 'latest', version: 1, base_version: 0 }));
  expect(await history(user, 'latest')).toMatchObject([
    { version: 3, change_type: 'create', kind: 'link' },
    { version: 2, change_type: 'delete' },
    { version: 1, change_type: 'create', kind: 'link' },
  ]);
});

test('has nothing below it, takes no place of another kind, and no directory that holds something', async () => {
  const { upload_id, refused } = await init(user, [
    directory('dir'),
    await offer('dir/file', target, 0),
    await offer('latest/below', target, 0),
    await offer('latest', target, 1),
  ]);
  expect(refused).toMatchObject([
    { path: 'latest/below', error: { code: 'path_conflict' } },
    { path: 'latest', error: { code: 'path_conflict', message: expect.stringContaining('there is a link') } },
  ]);
  await finalize(user, upload_id);
  expect((await init(user, [await link('dir', 1)])).refused).toMatchObject([{ error: { code: 'path_conflict' } }]);
  errorOf(await moveFiles(user, [{ from: 'dir/file', to: 'latest/file', base_version: 1 }]), 'path_conflict');
  errorOf(await moveFiles(user, [{ from: 'latest', to: 'dir', base_version: 1 }]), 'path_conflict');
});

test('without a path for its content, or with one that is too long, is refused', async () => {
  const long = { ...(await offer('long', Buffer.alloc(1025, 'a'), 0)), kind: 'link' as const };
  const empty = { ...(await offer('empty', Buffer.alloc(0), 0)), kind: 'link' as const };
  for (const file of [long, empty]) {
    const call = { upload_id: randomUUID(), device_id: user.device, files: [file] };
    const { message } = errorOf(await user.call('POST', '/upload-init', call), 'bad_request');
    expect(message).toContain('is a link, and its content is a path');
  }
});
