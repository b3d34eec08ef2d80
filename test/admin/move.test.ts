import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allChanges, changes, download, tree } from '../service/support/calls.ts';
import { admin } from '../support/admin.ts';
import type { User } from '../support/user.ts';
import { shardOfUser, signUpOn, startTwo, type TwoClusters } from './clusters.ts';

let two: TwoClusters;

beforeAll(async () => {
  two = await startTwo();
});
afterAll(async () => {
  await two.stop();
});

/** The names of all schemas of a shard, by cluster. */
async function schemasOf(shard: number): Promise<{ a: string[]; b: string[] }> {
  const names = async (cluster: 'a' | 'b'): Promise<string[]> => {
    const { rows } = await two.databases[cluster].query<{ nspname: string }>(
      `select nspname from pg_namespace where nspname ~ $1 order by nspname`,
      [`^(shard|left|moving|arriving)_${String(shard).padStart(2, '0')}$`],
    );
    return rows.map(({ nspname }) => nspname);
  };
  return { a: await names('a'), b: await names('b') };
}

/** Everything in a shard, wherever it is, in an order of its own. */
async function contentOf(user: User): Promise<unknown> {
  const { schema, pool } = await shardOfUser(two, user);
  const { rows: tables } = await pool.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r'
       and relname <> 'migrations' order by relname`,
    [schema],
  );
  const content: Record<string, unknown> = {};
  for (const { name } of tables) {
    const { rows } = await pool.query(`select t::text as row from ${schema}.${name} t order by 1`);
    content[name] = rows;
  }
  return content;
}

/** The rules of a shard's tables, as they are defined. */
async function rulesOf(user: User): Promise<unknown> {
  const { schema, pool } = await shardOfUser(two, user);
  const { rows } = await pool.query(
    `select conrelid::regclass::text as table, conname as name, pg_get_constraintdef(oid) as definition
     from pg_constraint where connamespace = $1::text::regnamespace
     union all select tablename, indexname, indexdef from pg_indexes where schemaname = $1::text order by 1, 2`,
    [schema],
  );
  return rows;
}

/** Waits until the shard's events are published, after which nothing changes by itself. */
async function untilRelayed(user: User): Promise<void> {
  const { pool, schema } = await shardOfUser(two, user);
  const isEmpty = async () => (await pool.query(`select from ${schema}.outbox`)).rowCount === 0;
  await expect.poll(isEmpty, { timeout: 30_000 }).toBe(true);
}

async function signUpWithFiles(): Promise<User> {
  const user = await signUpOn(two, 'a');
  for (let file = 0; file < 5; file++) await user.save(`dir/${file}`, randomBytes(100));
  await user.begin('open', randomBytes(100));
  return user;
}

test('a shard moves there and back with every row and rule of it', async () => {
  const user = await signUpWithFiles();
  const { number, schema } = await shardOfUser(two, user);
  await user.save('last', randomBytes(100));
  await tree(user);
  await untilRelayed(user);
  const [content, rules] = [await contentOf(user), await rulesOf(user)];
  for (const to of ['b', 'a'] as const) {
    const { code, said, lines } = await admin(two.service, 'shard', 'move', String(number), '--to', to);
    expect(code, said).toBe(0);
    expect(lines.at(-1)).toMatchObject({ state: 'moved' });
    expect(await schemasOf(number)).toEqual({ a: [], b: [], [to]: [schema] });
    expect((await admin(two.service, 'shards')).lines[number]).toMatchObject({
      cluster: to,
      users: expect.any(Number),
    });
    expect(await contentOf(user)).toEqual(content);
    expect(await rulesOf(user)).toEqual(rules);
  }
});

test('users sync on while their shard moves: nothing is lost, no call fails, and the order holds', async () => {
  const user = await signUpWithFiles();
  const { number } = await shardOfUser(two, user);
  const other = await user.addDevice();
  let busy = true;
  let reads = 0;
  const saved = new Map<string, Buffer>();
  const writers = [user, other].map(async (device, index) => {
    for (let round = 0; busy; round++) {
      const [path, content] = [`w${index}/${round % 10}`, randomBytes(50)];
      const base = await currentVersion(device, path);
      const version = await device.save(path, content, base);
      expect(version).toMatchObject({ path });
      saved.set(path, content);
    }
  });
  const reader = (async () => {
    for (; busy; reads++) await changes(user, 0);
  })();
  const moved: string[] = [];
  try {
    for (const to of ['b', 'a', 'b']) {
      const { code, said, lines } = await admin(two.service, 'shard', 'move', String(number), '--to', to);
      expect(code, said).toBe(0);
      moved.push(String(lines.at(-1)?.state));
    }
  } finally {
    busy = false;
  }
  await Promise.all([...writers, reader]);
  expect(moved).toEqual(['moved', 'moved', 'moved']);
  expect((await shardOfUser(two, user)).cluster).toBe('b');
  expect(reads).toBeGreaterThan(3);
  expect(saved.size).toBeGreaterThan(3);

  for (const [path, content] of saved) expect((await download(user, path)).equals(content), path).toBe(true);
  const cursors = (await allChanges(user)).map(({ cursor }) => cursor);
  expect(cursors).toEqual(cursors.map((_, index) => index + 1));
  const audit = await admin(two.service, 'audit', '--sample', '100');
  expect(audit.code, audit.said).toBe(0);
});

async function currentVersion(user: User, path: string): Promise<number> {
  const { body } = await user.call<{ versions?: { version: number }[] }>(
    'GET',
    `/history?device_id=${user.device}&path=${encodeURIComponent(path)}`,
  );
  return body.versions?.[0]?.version ?? 0;
}

test('a cluster that is not there, a second direction and a cancel of nothing are refused with the reason', async () => {
  const move = (...words: string[]) => admin(two.service, 'shard', 'move', ...words);
  expect(await move('0', '--to', 'z')).toMatchObject({ code: 1, said: expect.stringContaining("no cluster 'z'") });
  expect(await move('0', '--cancel')).toMatchObject({ code: 1, said: expect.stringContaining('not being moved') });
  expect(await move('64', '--to', 'b')).toMatchObject({ code: 2 });
  expect(await move('0')).toMatchObject({ code: 2, said: expect.stringContaining('--to CLUSTER') });
});
