import { randomBytes, randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { moveFiles as moveInProcess } from '../../lambdas/move/move.ts';
import type { CommitResult } from '../../protocol/commit.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Answer, offer, type User } from '../support/user.ts';
import { blockRow, hashOf, references } from './support/blocks.ts';
import {
  allChanges,
  changes,
  deleteFiles,
  directory,
  download,
  errorOf,
  finalize,
  history,
  init,
  moveFiles,
  put,
  resultsOf,
  tree,
} from './support/calls.ts';
import { database, shardOf, signUp } from './support/service.ts';
import { countStatements } from './support/statements.ts';

let user: User;
let content: Buffer;
beforeEach(async () => {
  [user, content] = [await signUp(), randomBytes(100)];
});

/** Commits a directory with these files, all of one content. */
async function folder(path: string, names: readonly string[], saving: User = user): Promise<void> {
  const files = await Promise.all(names.map((name) => offer(`${path}/${name}`, content, 0)));
  const { upload_id, send } = await init(saving, [directory(path), ...files]);
  await put(send, content);
  await finalize(saving, upload_id);
}

const inner = ['a', 'sub/b', 'sub/deep/c', 'sub!', 'ﬀ', '😀'];

/** What one says of a directory so that all of it moves: as it is now. */
async function whole(from: string, to: string, base_version = 1) {
  return { from, to, base_version, tree_hash: (await tree(user, from)).hash };
}

async function move(from: string, to: string, base_version = 1): Promise<CommitResult | undefined> {
  return resultsOf(await moveFiles(user, [await whole(from, to, base_version)]))[0];
}

async function paths(): Promise<string[]> {
  const { schema, userId, sql } = shardOf(user);
  const { rows } = await sql.query(`select path from ${schema}.files where user_id = $1 and deleted_at is null`, [
    userId,
  ]);
  return rows.map(({ path }) => path).sort();
}

function codeOf(answer: Answer<unknown>): ErrorCode {
  return errorOf(answer, (answer.body as { code: ErrorCode }).code).code;
}

describe('a directory that moves with all that is in it', () => {
  test('is one item, keeps content and history, and is a change of each entry', async () => {
    await folder('from', inner);
    await folder('from here', ['stays']);
    const moved = await move('from', 'far/to');
    expect(moved).toMatchObject({ path: 'far/to', version: 2, cursor: 10, entries: 7 });
    expect(await paths()).toEqual(
      ['far/to', ...inner.map((name) => `far/to/${name}`), 'from here', 'from here/stays'].sort(),
    );
    expect((await download(user, 'far/to/sub/deep/c')).equals(content)).toBe(true);
    expect((await history(user, 'far/to/ﬀ')).map(({ path, version }) => [path, version])).toEqual([
      ['far/to/ﬀ', 2],
      ['from/ﬀ', 1],
    ]);
    const user2 = await user.addDevice();
    expect((await changes(user2, 9)).cursor).toBe(16);
  });

  test('is one of the changes, and to a cursor among its own they come one by one', async () => {
    await folder('from', inner);
    await user.save('before', content);
    await move('from', 'to');
    await user.save('after', content);
    const all = await allChanges(user);
    expect(all.slice(7).map(({ cursor, entry, entries }) => [cursor, entry.path, entries])).toEqual([
      [8, 'before', undefined],
      [9, 'to', 7],
      [16, 'after', undefined],
    ]);
    const names = ['to', 'to/a', 'to/sub!', 'to/sub/b', 'to/sub/deep/c', 'to/ﬀ', 'to/😀'];
    const among = (await changes(user, 9)).changes;
    expect(among.map(({ cursor, entry, moved_from }) => [cursor, entry.path, moved_from])).toEqual([
      ...names.slice(1).map((path, index) => [10 + index, path, path.replace('to', 'from')]),
      [16, 'after', undefined],
    ]);
    const pages = [];
    for (let cursor = 7, more = true; more; ) {
      const page = await changes(user, cursor, 1);
      pages.push([page.changes.length, page.cursor]);
      ({ cursor, more } = page);
    }
    expect(pages).toEqual([
      [1, 8],
      [1, 15],
      [1, 16],
    ]);
  });

  test('is as many statements however much is in it', async () => {
    const counted = await countStatements(user);
    const statementsOf = async (files: number): Promise<number> => {
      const from = `from ${files}`;
      await folder(from, [...Array(files).keys()].map(String));
      const moves = [await whole(from, `to ${files}`)];
      counted.made = [];
      const call = { request_id: randomUUID(), device_id: user.device, moves };
      expect(await moveInProcess(counted.databases, user.id, call)).toMatchObject([{ entries: files + 1 }]);
      return counted.made.length;
    };
    expect(await statementsOf(400)).toBe(await statementsOf(1));
  });

  test('answers a retry the same, and counts once; the stream confirms the counts', async () => {
    await folder('from', inner);
    const [moves, request] = [[await whole('from', 'to')], randomUUID()];
    const answers = await Promise.all([1, 2, 3].map(() => moveFiles(user, moves, request)));
    for (const answer of answers) expect(resultsOf(answer)).toEqual(resultsOf(answers[0]!));
    expect(resultsOf(await moveFiles(user, moves, request))).toEqual(resultsOf(answers[0]!));
    const hash = await hashOf(content);
    expect(await references(user, hash)).toBe(2 * inner.length);
    const states = async () => {
      const sql = `select state, count(*) from blocks.ledger where user_id = $1 group by state`;
      return (await database.query(sql, [user.id])).rows;
    };
    await expect.poll(states).toEqual([{ state: 'confirmed', count: 2 * inner.length }]);
  });

  test('gets a number that nothing at its new place ever had', async () => {
    await folder('from', ['a', 'b']);
    for (const base of [0, 1, 2]) await user.save('to/a', randomBytes(10), base);
    resultsOf(await deleteFiles(user, [{ path: 'to/a', base_version: 3 }]));
    expect(await move('from', 'to'), 'I6: the number of another content').toMatchObject({ version: 5 });
    // As if all that was there had expired.
    const { schema, userId, sql } = shardOf(user);
    await sql.query(`update ${schema}.accounts set forgotten_seq = 50, change_seq = 50 where user_id = $1`, [userId]);
    expect(await move('to', 'new', 5), 'I6: the number of what has expired').toMatchObject({ version: 51 });
  });

  test('counts in what is kept as its versions and directories do', async () => {
    await folder('from', inner);
    const { schema, userId, sql } = shardOf(user);
    const kept = async (): Promise<number> => {
      const { rows } = await sql.query(`select kept_bytes from ${schema}.accounts where user_id = $1`, [userId]);
      return Number(rows[0].kept_bytes);
    };
    const before = await kept();
    await move('from', 'to');
    // Seven versions, and the directories to, to/sub and to/sub/deep.
    expect((await kept()) - before).toBe(10 * limits.countedBytes);
  });
});

describe('stays where it is, whole,', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['was saved', () => user.save('from/a', randomBytes(10), 1)],
    ['was added', () => user.save('from/sub/new', content)],
    ['was deleted', () => deleteFiles(user, [{ path: 'from/a', base_version: 1 }])],
    ['was moved within', () => moveFiles(user, [{ from: 'from/a', to: 'from/z', base_version: 1 }])],
    ['was moved out', () => moveFiles(user, [{ from: 'from/a', to: 'a', base_version: 1 }])],
  ])('a directory in which something %s that the device does not know of', async (_, change) => {
    await folder('from', inner);
    const known = await whole('from', 'to');
    await change();
    const before = [await paths(), await allChanges(user)];
    expect(codeOf(await moveFiles(user, [known])), 'I5: a directory that changed').toBe('stale_version');
    expect([await paths(), await allChanges(user)]).toEqual(before);
    expect((await blockRow(await hashOf(content)))!.ref_count).toBe(await references(user, await hashOf(content)));
  });

  test('a directory that would come to what is taken, or into itself, or is no directory', async () => {
    await folder('from', inner);
    await folder('taken', ['a']);
    await user.save('implied/a', content);
    await user.save('file', content);
    const refused: [from: string, to: string, code: ErrorCode][] = [
      ['from', 'taken', 'path_conflict'],
      ['from', 'implied', 'path_conflict'],
      ['from', 'file', 'path_conflict'],
      ['from', 'file/in', 'path_conflict'],
      ['from', 'from', 'bad_request'],
      ['from', 'from/sub/in', 'path_conflict'],
      [
        'from',
        `${'n'.repeat(250)}/${'n'.repeat(250)}/${'n'.repeat(250)}/${'n'.repeat(250)}/${'n'.repeat(15)}`,
        'limit_exceeded',
      ],
    ];
    const before = await paths();
    for (const [from, to, code] of refused) {
      expect([to, codeOf(await moveFiles(user, [await whole(from, to)]))]).toEqual([to, code]);
    }
    const { tree_hash } = await whole('from', 'to');
    const one = { base_version: 1, tree_hash };
    expect(codeOf(await moveFiles(user, [{ from: 'file', to: 'x', ...one }]))).toBe('stale_version');
    expect(codeOf(await moveFiles(user, [{ from: 'from', to: 'x', ...one, base_version: 2 }]))).toBe('stale_version');
    const two = [
      { from: 'from', to: 'x', ...one },
      { from: 'file', to: 'y', base_version: 1 },
    ];
    expect(codeOf(await moveFiles(user, two))).toBe('bad_request');
    expect(await paths()).toEqual(before);
  });

  test('or moves: of two devices that move it, and one that saves in it, exactly one wins', async () => {
    await folder('from', inner);
    const other = await user.addDevice();
    const known = await whole('from', 'one');
    const outcomes = await Promise.all([
      moveFiles(user, [known]),
      moveFiles(other, [{ ...known, to: 'two' }]),
      other.save('from/a', randomBytes(10), 1).then(
        // An upload whose one file was refused has nothing to commit.
        (result) => ({ status: result ? 200 : 409 }),
        () => ({ status: 409 }),
      ),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  });
});
