import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { CommitResult } from '../../protocol/commit.ts';
import { blocksOf, offer, type User } from '../support/user.ts';
import {
  allChanges,
  deleteFiles,
  download,
  errorOf,
  init,
  moveFiles,
  put,
  restoreFile,
  resultsOf,
  tree,
} from './support/calls.ts';
import { signUp } from './support/service.ts';

/** An upload of one device whose content is in the store already. */
async function ready(
  user: User,
  path: string,
  content: Uint8Array,
  base: number,
): Promise<() => Promise<CommitResult>> {
  const { upload_id, send } = await init(user, [await offer(path, content, base)]);
  await put(send, content);
  return async () => {
    const { body } = await user.finalize(upload_id);
    return body.results?.[0] ?? (body as { details?: { results: CommitResult[] } }).details!.results[0]!;
  };
}

test('of finalizes that race for one version, exactly one wins', async () => {
  const user = await signUp();
  await user.save('a', randomBytes(100));
  const contents = Array.from({ length: 6 }, () => randomBytes(100));
  const racers = await Promise.all(contents.map(async (content) => ready(await user.addDevice(), 'a', content, 1)));
  const results = await Promise.all(racers.map((race) => race()));

  const winner = results.findIndex((result) => 'version' in result);
  expect(results.filter((result) => 'version' in result)).toHaveLength(1);
  expect(results.filter((result) => 'error' in result && result.error.code === 'stale_version')).toHaveLength(5);
  expect((await download(user, 'a')).equals(contents[winner]!)).toBe(true);
  expect(await allChanges(user)).toHaveLength(2);
});

test('of finalizes that race to make one path, exactly one wins', async () => {
  const user = await signUp();
  const racers = await Promise.all(
    [1, 2, 3].map(async () => ready(await user.addDevice(), 'new', randomBytes(100), 0)),
  );
  const results = await Promise.all(racers.map((race) => race()));
  expect(results.filter((result) => 'version' in result)).toHaveLength(1);
  expect(results.find((result) => 'error' in result)).toMatchObject({
    error: { code: 'stale_version', current_version: 1 },
  });
});

test('a retry of a finalize that lost answers the same, and the loser takes no space', async () => {
  const user = await signUp();
  await user.save('a', randomBytes(100));
  const lose = await ready(user, 'a', randomBytes(100), 1);
  await (await user.addDevice()).save('a', randomBytes(100), 1);
  const lost = await lose();
  expect(lost).toMatchObject({ error: { code: 'stale_version', current_version: 2 } });
  expect(await lose()).toEqual(lost);
});

test('a delete, a restore and an update against an old version are refused, and change nothing', async () => {
  const user = await signUp();
  await user.save('a', randomBytes(100));
  await user.save('a', randomBytes(100), 1);
  const before = await tree(user);
  errorOf(await deleteFiles(user, [{ path: 'a', base_version: 1 }]), 'stale_version');
  errorOf(await restoreFile(user, { path: 'a', version: 1, base_version: 1 }), 'stale_version');
  const { refused } = await init(user, [await offer('a', randomBytes(100), 1)]);
  expect(refused).toMatchObject([{ error: { code: 'stale_version', current_version: 2 } }]);
  expect(await tree(user)).toEqual(before);
});

test('a version number at a path stands for one content for ever, whatever is moved there', async () => {
  const user = await signUp();
  const [first, second, other] = [randomBytes(10), randomBytes(20), randomBytes(30)];
  await user.save('a', first);
  await user.save('a', second, 1);
  await user.save('b', other);
  const versions = async (path: string, numbers: readonly number[]): Promise<(Buffer | string)[]> =>
    await Promise.all(numbers.map((version) => download(user, path, version).catch(() => 'none')));
  resultsOf(await moveFiles(user, [{ from: 'a', to: 'away', base_version: 2 }]));
  expect(await versions('a', [1, 2, 3])).toEqual([first, second, 'none']);
  resultsOf(await moveFiles(user, [{ from: 'b', to: 'a', base_version: 1 }]));
  expect(await versions('a', [1, 2, 3])).toEqual([first, second, other]);
  expect(await versions('away', [1, 2, 3])).toEqual(['none', 'none', second]);
  expect(await versions('b', [1, 2])).toEqual([other, 'none']);
});

test('a version number stands for one content for ever, also when a deleted file is made again', async () => {
  const user = await signUp();
  const contents = [randomBytes(10), randomBytes(20)];
  await user.save('a', contents[0]!);
  await deleteFiles(user, [{ path: 'a', base_version: 1 }]);
  expect(await user.save('a', contents[1]!)).toMatchObject({ version: 3 });
  const blocks = (await allChanges(user)).map(({ entry }) => [entry.version, entry.blocks.map(({ hash }) => hash)]);
  const [first, third] = (await Promise.all(contents.map(blocksOf))).flat();
  expect(blocks).toEqual([
    [1, [first!.hash]],
    [2, []],
    [3, [third!.hash]],
  ]);
});
