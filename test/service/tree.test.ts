import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { decodeJwt } from 'jose';
import { beforeEach, expect, test } from 'vitest';
import { ownNamespace } from '../../lambdas/shared/database/rows.ts';
import { comesBy } from '../../lambdas/shared/runtime/request.ts';
import { ITEMS_PER_STATEMENT, itemsInPages, listItems } from '../../lambdas/shared/tables/directories.ts';
import { readTree } from '../../lambdas/tree/tree.ts';
import type { Entry } from '../../protocol/entry.ts';
import { limits } from '../../protocol/limits.ts';
import { type TreeItem, treeHash } from '../../protocol/tree-hash.ts';
import { offer, type User } from '../support/user.ts';
import {
  allChanges,
  deleteFiles,
  directory,
  errorOf,
  finalize,
  init,
  moveFiles,
  put,
  restoreFile,
  resultsOf,
  tree,
} from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';

let user: User;
beforeEach(async () => {
  user = await signUp();
});

async function add(...paths: string[]): Promise<void> {
  const content = randomBytes(10);
  const files = paths.map(async (path) =>
    path.endsWith('/') ? directory(path.slice(0, -1)) : offer(path, content, 0),
  );
  const { upload_id, send } = await init(user, await Promise.all(files));
  await put(send, content);
  await finalize(user, upload_id);
}

/** What lies below a directory, with hashes: as GET /tree answers it, every page of every directory. */
async function read(path = '', limit?: number): Promise<{ hash: string; entries: Map<string, Entry | undefined> }> {
  const entries = new Map<string, Entry | undefined>();
  let hash: string | undefined;
  let after: string | undefined;
  do {
    const page = await tree(user, path === '' ? undefined : path, { ...(after && { after }), ...(limit && { limit }) });
    hash = page.hash;
    for (const { name, entry, tree_hash } of page.entries) {
      const child = path === '' ? name : `${path}/${name}`;
      expect(entries.has(child)).toBe(false);
      entries.set(child, entry);
      expect(tree_hash !== undefined).toBe(entry?.kind !== 'file');
      if (tree_hash === undefined) continue;
      const below = await read(child, limit);
      expect(below.hash).toBe(tree_hash);
      for (const [deeper, one] of below.entries) entries.set(deeper, one);
    }
    after = page.next;
  } while (after !== undefined);
  return { hash: hash!, entries };
}

/** The live entries, by the changes. */
async function replayed(): Promise<Map<string, Entry>> {
  const live = new Map<string, Entry>();
  for (const { change_type, entry, moved_from } of await allChanges(user)) {
    if (moved_from !== undefined) live.delete(moved_from);
    if (change_type === 'delete') live.delete(entry.path);
    else live.set(entry.path, entry);
  }
  return live;
}

/** The hash of a directory by the contract alone. */
function hashOf(path: string, live: ReadonlyMap<string, Entry>): string {
  const prefix = path === '' ? '' : `${path}/`;
  const below = [...live.keys()].filter((other) => other.startsWith(prefix) && other !== path);
  const names = new Set(below.map((other) => other.slice(prefix.length).split('/')[0]!));
  const items = [...names].map((name): TreeItem => {
    const child = prefix + name;
    const entry = live.get(child);
    if (entry?.kind === 'file') {
      return { name, kind: 'file', version: entry.version, hashes: entry.blocks.map(({ hash }) => hash) };
    }
    return { name, kind: 'directory', version: entry?.version ?? 0, hashes: [hashOf(child, live)] };
  });
  return treeHash(items, (text) => createHash('sha256').update(text).digest('hex'));
}

async function expectAgreement(): Promise<void> {
  const live = await replayed();
  const { hash, entries } = await read();
  expect(hash).toBe(hashOf('', live));
  const known = [...entries].flatMap(([path, entry]) => (entry ? [[path, entry] as const] : []));
  expect(new Map(known)).toEqual(live);
}

test('an empty tree has the hash of nothing', async () => {
  expect(await tree(user)).toMatchObject({ hash: hashOf('', new Map()), entries: [], cursor: 0 });
});

test('tree, changes and the contract agree after every kind of commit', async () => {
  await add('a/b/c/file', 'a/b/file', 'a/x', 'made/', 'root');
  await expectAgreement();
  await user.save('a/b/file', randomBytes(20), 1);
  await expectAgreement();
  await moveFiles(user, [{ from: 'a/b/c/file', to: 'other/deep/file', base_version: 1 }]);
  await expectAgreement();
  await deleteFiles(user, [{ path: 'a/x', base_version: 1 }]);
  await expectAgreement();
  await restoreFile(user, { path: 'a/x', version: 1, base_version: 0 });
  await expectAgreement();
  await moveFiles(user, [{ from: 'made', to: 'remade', base_version: 1 }]);
  await expectAgreement();
  await deleteFiles(user, [{ path: 'other/deep/file', base_version: 2 }]);
  await expectAgreement();
  await add('other');
  await expectAgreement();
});

test('a change below makes every directory above it anew, and no other', async () => {
  await add('changed/deep/file', 'same/file');
  const before = await tree(user);
  await user.save('changed/deep/file', randomBytes(20), 1);
  const after = await tree(user);
  expect(after.hash).not.toBe(before.hash);
  const hashes = [before, after].map(({ entries }) => entries.map(({ tree_hash }) => tree_hash));
  expect(hashes[1]![0]).not.toBe(hashes[0]![0]);
  expect(hashes[1]![1]).toBe(hashes[0]![1]);
});

test('a directory that nobody made is there while something lies in it', async () => {
  await add('implied/sub/file');
  expect((await tree(user)).entries).toMatchObject([{ name: 'implied', tree_hash: expect.any(String) }]);
  expect((await tree(user)).entries[0]).not.toHaveProperty('entry');
  await deleteFiles(user, [{ path: 'implied/sub/file', base_version: 1 }]);
  expect((await tree(user)).entries).toEqual([]);
  errorOf(await user.call('GET', `/tree?device_id=${user.device}&path=implied`), 'not_found');
});

test('a file is no directory, and what is not there is not found', async () => {
  await add('file', 'dir/');
  for (const path of ['file', 'nothing', 'dir/nothing']) {
    errorOf(await user.call('GET', `/tree?device_id=${user.device}&path=${path}`), 'not_found');
  }
  expect(await tree(user, 'dir')).toMatchObject({ entries: [] });
});

test('pages list each name once, in the order of the bytes, made directories and implied ones among files', async () => {
  const names = ['B', 'a', 'b/in', 'c', 'd/', 'e/in', 'z', 'ä', 'é/in', '豆', '𝄞', '.hidden', 'a b', 'a-b', 'a.b'];
  await add(...names);
  const sorted = names
    .map((name) => name.replace(/\/.*/, ''))
    .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  for (const limit of [1, 2, 4, 100]) {
    const { entries } = await read('', limit);
    expect([...entries.keys()].filter((path) => !path.includes('/'))).toEqual(sorted);
  }
  await expectAgreement();
});

test('a name that no file can have is refused as the place to go on', async () => {
  for (const after of ['%00', 'a/b', '..']) {
    errorOf(await user.call('GET', `/tree?device_id=${user.device}&after=${after}`), 'bad_request');
  }
});

test('trees that are read while commits go on are each of one moment', async () => {
  await add('d/start');
  const saving = Promise.all(Array.from({ length: 6 }, (_, index) => user.save(`d/f${index}`, randomBytes(10))));
  let count = 0;
  while (count < 7) {
    const { entries, hash, cursor } = await tree(user, 'd');
    count = entries.length;
    expect(cursor).toBe(count);
    const live = new Map(entries.map(({ entry }) => [entry!.path, entry!]));
    expect(hash).toBe(hashOf('d', live));
  }
  await saving;
});

/** The path of a file in as many directories as a path may have; no two share one. */
const deep = (file: number, top = 'deep') =>
  [`${top}${file}`, ...new Array(limits.pathSegments - 1).fill('d')].join('/');

test('a path has as many names as the limit says, and no more', async () => {
  await add(deep(0));
  const files = [await offer(`${deep(1)}/d`, randomBytes(10), 0)];
  const answer = await user.call('POST', '/upload-init', { upload_id: randomUUID(), device_id: user.device, files });
  expect(errorOf(answer, 'bad_request').message).toContain(String(limits.pathSegments));
});

test('of paths in more directories than one call marks, the first are taken and the others can follow', async () => {
  const count = Math.ceil(limits.directoriesPerCall / (limits.pathSegments - 1)) + 4;
  const paths = Array.from({ length: count }, (_, file) => deep(file));
  const files = await Promise.all(paths.map((path) => offer(path, new Uint8Array(0), 0)));
  const first = await init(user, files);
  expect(first.refused.length).toBeGreaterThanOrEqual(4);
  for (const { error } of first.refused) expect(error.code).toBe('limit_exceeded');
  await finalize(user, first.upload_id);
  const left = new Set(first.refused.map(({ path }) => path));
  const second = await init(
    user,
    files.filter(({ path }) => left.has(path)),
  );
  expect(second.refused).toEqual([]);
  await finalize(user, second.upload_id);

  const moved = resultsOf(
    await moveFiles(
      user,
      paths.map((from, file) => ({ from, to: deep(file, 'moved'), base_version: 1 })),
    ),
  );
  expect(moved.filter((result) => 'version' in result).length).toBeGreaterThan(5);
  expect(moved.at(-1)).toMatchObject({ error: { code: 'limit_exceeded' } });
  const deleted = resultsOf(await deleteFiles(user, [...paths.reverse().map((path) => ({ path, base_version: 1 }))]));
  expect(deleted[0]).toMatchObject({ version: 2 });

  // More than one transaction hashes: a call that has no time for the next one leaves that much less to its successor.
  const person = shardOf(user);
  comesBy({ id: decodeJwt<{ origin_jti: string }>(user.token).origin_jti, at: 0 });
  const query = { device_id: user.device, limit: limits.treeEntriesPerPage };
  await expect(readTree(person, query, 0)).rejects.toMatchObject({ code: 'unavailable' });
  const { hash } = await readTree(person, query, 0);
  expect(await tree(user)).toMatchObject({ hash });
});

test('no statement lists more of a directory than it has time for, and the hash is that of all in it', async () => {
  await add('flat/real', 'flat/sub/', 'flat/sub/file', 'small/file');
  const person = shardOf(user);
  const count = 2 * ITEMS_PER_STATEMENT + 5;
  await database.query(
    `insert into ${person.schema}.files
       (file_id, user_id, path, kind, version, block_hashes, block_sizes, size_bytes, mtime_ms, mode)
     select gen_random_uuid(), $1, 'flat/' || n, 'file', n, array[]::bytea[], '{}', 0, 1, 420
     from generate_series(1, $2::int) n`,
    [user.id, count],
  );
  await tree(user, 'flat/sub');
  const listed: number[] = [];
  const query = async (text: string, values: unknown[]) => {
    const result = await database.query(text, values);
    listed.push(result.rows.length);
    return result;
  };
  const namespace = { ...ownNamespace(person), sql: { query } as never };
  expect(await listItems(namespace, ['flat', 'small']), 'more than a statement lists').toBeUndefined();
  const items: TreeItem[] = [];
  for await (const page of itemsInPages(namespace, 'flat')) items.push(...page);
  expect(Math.max(...listed)).toBe(ITEMS_PER_STATEMENT);
  const names = items.map(({ name }) => name);
  expect([names.length, new Set(names).size]).toEqual([count + 2, count + 2]);
  expect(items.find(({ name }) => name === 'sub')).toMatchObject({ kind: 'directory', version: 1 });
  expect((await tree(user, 'flat')).hash).toBe(
    treeHash(items, (text) => createHash('sha256').update(text).digest('hex')),
  );
});
