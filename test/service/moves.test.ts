import { randomBytes, randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { offer, type User } from '../support/user.ts';
import { blockRow, hashOf, references } from './support/blocks.ts';
import {
  allChanges,
  deleteFiles,
  directory,
  download,
  errorOf,
  finalize,
  history,
  init,
  moveFiles,
  put,
  restoreFile,
  resultsOf,
  tree,
} from './support/calls.ts';
import { signUp } from './support/service.ts';

let user: User;
beforeEach(async () => {
  user = await signUp();
});

async function paths(): Promise<string[]> {
  const live = new Set<string>();
  for (const { change_type, entry, moved_from } of await allChanges(user)) {
    if (moved_from !== undefined) live.delete(moved_from);
    if (change_type === 'delete') live.delete(entry.path);
    else live.add(entry.path);
  }
  return [...live].sort();
}

test('a file keeps content and history under its new name', async () => {
  const content = randomBytes(100);
  await user.save('old', randomBytes(50));
  await user.save('old', content, 1);
  const [moved] = resultsOf(await moveFiles(user, [{ from: 'old', to: 'dir/new', base_version: 2 }]));
  expect(moved).toMatchObject({ path: 'dir/new', version: 3 });
  expect((await download(user, 'dir/new')).equals(content)).toBe(true);
  expect((await history(user, 'dir/new')).map(({ path, version }) => [path, version])).toEqual([
    ['dir/new', 3],
    ['old', 2],
    ['old', 1],
  ]);
  expect(await paths()).toEqual(['dir/new']);
  expect((await allChanges(user)).at(-1)).toMatchObject({ change_type: 'move', moved_from: 'old' });
});

test('a directory of many files moves in one call', async () => {
  const content = randomBytes(10);
  const names = Array.from({ length: 300 }, (_, index) => `sub${index % 5}/file${index}`);
  const files = await Promise.all(names.map((name) => offer(`from/${name}`, content, 0)));
  const { upload_id, send } = await init(user, [directory('from'), ...files]);
  await put(send, content);
  await finalize(user, upload_id);

  const moves = ['', ...names.map((name) => `/${name}`)].map((name) => ({
    from: `from${name}`,
    to: `to${name}`,
    base_version: 1,
  }));
  const results = resultsOf(await moveFiles(user, moves));
  expect(results.filter((result) => 'version' in result)).toHaveLength(301);
  const { entries } = await tree(user);
  expect(entries.map(({ name, entry }) => [name, entry?.kind])).toEqual([['to', 'directory']]);
  expect((await download(user, 'to/sub3/file3')).equals(content)).toBe(true);
});

test('a directory moves with all that is in it or stays with it: for what was left out, and for what is refused', async () => {
  const content = randomBytes(10);
  const names = [
    'left',
    'left/in',
    'left/out',
    'stale',
    'stale/in',
    'stale/deep',
    'stale/deep/in',
    'whole',
    'whole/in',
  ];
  const isDirectory = (name: string): boolean => names.some((other) => other.startsWith(`${name}/`));
  const files = names.map((name) => (isDirectory(name) ? directory(name) : offer(name, content, 0)));
  const { upload_id, send } = await init(user, await Promise.all(files));
  await put(send, content);
  await finalize(user, upload_id);
  const moves = names
    .filter((name) => name !== 'left/out')
    .map((from) => ({ from, to: `to/${from}`, base_version: from === 'stale/deep/in' ? 7 : 1 }));
  const results = resultsOf(await moveFiles(user, moves));
  const refusals = results.flatMap((result) => ('error' in result ? [`${result.path}: ${result.error.code}`] : []));
  expect(refusals.sort()).toEqual(
    ['left', 'left/in', 'stale', 'stale/deep', 'stale/deep/in', 'stale/in']
      .map((name) => `to/${name}: stale_version`)
      .sort(),
  );
  expect(await paths()).toEqual([...names.slice(0, 7), 'to/whole', 'to/whole/in'].sort());
});

test('a retry answers the same, and moves nothing twice', async () => {
  await user.save('a', randomBytes(10));
  const request = randomUUID();
  const moves = [{ from: 'a', to: 'b', base_version: 1 }];
  const answers = await Promise.all([1, 2, 3].map(() => moveFiles(user, moves, request)));
  for (const answer of answers) expect(resultsOf(answer)).toEqual(resultsOf(answers[0]!));
  expect(await allChanges(user)).toHaveLength(2);
});

test('a request id stands for one call; another one under it counts nothing', async () => {
  const content = randomBytes(10);
  await user.save('a', content);
  const request = randomUUID();
  resultsOf(await moveFiles(user, [{ from: 'a', to: 'b', base_version: 1 }], request));
  errorOf(await moveFiles(user, [{ from: 'b', to: 'c', base_version: 2 }], request), 'bad_request');
  errorOf(await deleteFiles(user, [{ path: 'b', base_version: 2 }], request), 'bad_request');
  errorOf(await restoreFile(user, { path: 'b', version: 2, base_version: 2 }, request), 'bad_request');
  expect(await paths()).toEqual(['b']);
  const hash = await hashOf(content);
  expect((await blockRow(hash))?.ref_count).toBe(await references(user, hash));
});

test('a move onto itself, onto what is there, below a file and of a stale version are refused', async () => {
  await user.save('a', randomBytes(10));
  await user.save('taken', randomBytes(10));
  errorOf(await moveFiles(user, [{ from: 'a', to: 'a', base_version: 1 }]), 'bad_request');
  errorOf(await moveFiles(user, [{ from: 'a', to: 'taken', base_version: 1 }]), 'path_conflict');
  errorOf(await moveFiles(user, [{ from: 'a', to: 'taken/below', base_version: 1 }]), 'path_conflict');
  errorOf(await moveFiles(user, [{ from: 'a', to: 'b', base_version: 2 }]), 'stale_version');
  errorOf(await moveFiles(user, [{ from: 'nothing', to: 'b', base_version: 1 }]), 'stale_version');
  expect(await paths()).toEqual(['a', 'taken']);
});

test('a file takes the place of no directory with content, and a directory goes nowhere below itself', async () => {
  const content = randomBytes(10);
  const { upload_id, send } = await init(user, [directory('dir'), await offer('dir/in', content, 0)]);
  await put(send, content);
  await finalize(user, upload_id);
  await user.save('file', content);
  errorOf(await moveFiles(user, [{ from: 'file', to: 'dir', base_version: 1 }]), 'path_conflict');
  errorOf(await moveFiles(user, [{ from: 'dir', to: 'dir/in/deeper', base_version: 1 }]), 'path_conflict');
  errorOf(await moveFiles(user, [{ from: 'dir', to: 'dir/deeper', base_version: 1 }]), 'path_conflict');
  expect(await paths()).toEqual(['dir', 'dir/in', 'file']);
});

test('a file moves into a directory of its own name, and back out', async () => {
  await user.save('name', randomBytes(10));
  resultsOf(await moveFiles(user, [{ from: 'name', to: 'name/name', base_version: 1 }]));
  expect(await paths()).toEqual(['name/name']);
  resultsOf(await moveFiles(user, [{ from: 'name/name', to: 'name', base_version: 2 }]));
  expect(await paths()).toEqual(['name']);
});

test('two names swap over a third, and one path hands on to the next', async () => {
  const contents = [randomBytes(10), randomBytes(11)];
  await user.save('a', contents[0]!);
  await user.save('b', contents[1]!);
  resultsOf(
    await moveFiles(user, [
      { from: 'b', to: 'spare', base_version: 1 },
      { from: 'a', to: 'b', base_version: 1 },
    ]),
  );
  resultsOf(await moveFiles(user, [{ from: 'spare', to: 'a', base_version: 2 }]));
  expect((await download(user, 'b')).equals(contents[0]!)).toBe(true);
  expect((await download(user, 'a')).equals(contents[1]!)).toBe(true);
});

test('of moves that race for one file, and for one place, exactly one wins', async () => {
  await user.save('a', randomBytes(10));
  await user.save('b', randomBytes(10));
  const answers = await Promise.all([
    moveFiles(user, [{ from: 'a', to: 'x', base_version: 1 }]),
    moveFiles(user, [{ from: 'a', to: 'y', base_version: 1 }]),
  ]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  const [left] = (await paths()).filter((path) => path !== 'b');
  const rivals = await Promise.all([
    moveFiles(user, [{ from: left!, to: 'place', base_version: 2 }]),
    moveFiles(user, [{ from: 'b', to: 'place', base_version: 1 }]),
  ]);
  expect(rivals.map(({ status }) => status).sort()).toEqual([200, 409]);
});
