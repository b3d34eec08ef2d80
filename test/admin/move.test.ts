import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cancelMove, moveShard } from '../../lambdas/admin/move-shard/move.ts';
import type { Database } from '../../lambdas/shared/database/rows.ts';
import { readMigrations } from '../../lambdas/shared/migrations/read.ts';
import { allChanges, changes, download, tree } from '../service/support/calls.ts';
import { admin } from '../support/admin.ts';
import type { User } from '../support/user.ts';
import { shardOfUser, signUpOn, startTwo, synthesizeTwo, type TwoClusters } from './clusters.ts';

let assembly: string;
let two: TwoClusters;
const migrations = readMigrations(join(import.meta.dirname, '../../migrations/shard'));

beforeAll(async () => {
  assembly = await synthesizeTwo();
  two = await startTwo(assembly);
});
afterAll(async () => {
  await two.stop();
  rmSync(assembly, { recursive: true });
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

describe('a move that is broken off', () => {
  /** Stands for the death of the process at one statement: from then on nothing it says reaches a database. */
  class Killed extends Error {}

  /** Connections that are killed before the given statement, or after it when its answer is on the way. */
  function mortal(kill: { at: number; when: 'before' | 'after' }): { pools: Map<string, Database>; count(): number } {
    let count = 0;
    let dead = false;
    const guarded = async <Result>(run: () => Promise<Result>): Promise<Result> => {
      if (!dead) count++;
      const fatal = count === kill.at;
      if (dead || (fatal && kill.when === 'before')) {
        dead = true;
        throw new Killed();
      }
      const result = await run();
      if (fatal) {
        dead = true;
        throw new Killed();
      }
      return result;
    };
    const wrap = (pool: TwoClusters['databases']['a']): Database =>
      ({
        query: (...statement: [string, unknown[]?]) => guarded(() => pool.query(...statement)),
        connect: async () => {
          const client = await pool.connect();
          const query = (...statement: [string, unknown[]?]) => guarded(() => client.query(...statement));
          return { query, release: (error?: Error) => client.release(error ?? dead) } as unknown as PoolClient;
        },
      }) as unknown as Database;
    const pools = new Map(Object.entries(two.databases).map(([name, pool]) => [name, wrap(pool)]));
    return { pools, count: () => count };
  }

  const immortal = () => mortal({ at: 0, when: 'before' });
  const until = () => Date.now() + 60_000;

  /** Does what a killed run keeps from others until its database has noticed the death. */
  async function afterTheDead<Result>(work: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error as Error).message.startsWith('another run')) throw error;
        await sleep(20);
      }
    }
  }

  async function moveWhole(shard: number, to: string): Promise<void> {
    const move = () => moveShard({ ...immortal(), migrations }, { shard, to, until: until() });
    expect(await afterTheDead(move)).toEqual({ state: 'moved' });
  }

  test('at any statement is finished or taken back, and the shard is never in two places', {
    timeout: 280_000,
  }, async () => {
    const user = await signUpWithFiles();
    const { number, schema } = await shardOfUser(two, user);
    await untilRelayed(user);
    const content = await contentOf(user);
    const whole = immortal();
    await moveShard({ ...whole, migrations }, { shard: number, to: 'b', until: until() });
    const statements = whole.count();
    expect(statements).toBeGreaterThan(60);
    let [from, to]: ('a' | 'b')[] = ['b', 'a'];
    const outcomes = { finished: 0, cancelled: 0 };
    const end = Date.now() + 200_000;
    // Every third statement, one round before and one after it, so that each run takes another path through the move.
    for (let at = 1; at <= statements && Date.now() < end; at += 3) {
      for (const when of ['before', 'after'] as const) {
        const { pools } = mortal({ at, when });
        const killed = moveShard({ pools, migrations }, { shard: number, to: to!, until: until() });
        await expect(killed).rejects.toThrow();
        const places = await schemasOf(number);
        const live = [...places.a, ...places.b].filter((name) => name === schema);
        expect(live.length, `${when} ${at}`).toBeLessThanOrEqual(1);
        const canCancel = places[from!].some((name) => name.startsWith('moving')) && !places[to!].includes(schema);
        if (canCancel && at % 2 === 0) {
          await afterTheDead(() => cancelMove(immortal(), number));
          outcomes.cancelled++;
          expect(await schemasOf(number)).toEqual({ a: [], b: [], [from!]: [schema] });
        } else {
          await moveWhole(number, to!);
          outcomes.finished++;
          expect(await schemasOf(number)).toEqual({ a: [], b: [], [to!]: [schema] });
          [from, to] = [to!, from!];
        }
      }
    }
    expect(outcomes.finished).toBeGreaterThan(5);
    expect(outcomes.cancelled).toBeGreaterThan(5);
    expect(await contentOf(user)).toEqual(content);
    expect((await tree(user, 'dir')).entries).toHaveLength(5);
  });
});

test('a cluster that is not there, a second direction and a cancel of nothing are refused with the reason', async () => {
  const move = (...words: string[]) => admin(two.service, 'shard', 'move', ...words);
  expect(await move('0', '--to', 'z')).toMatchObject({ code: 1, said: expect.stringContaining("no cluster 'z'") });
  expect(await move('0', '--cancel')).toMatchObject({ code: 1, said: expect.stringContaining('not being moved') });
  expect(await move('64', '--to', 'b')).toMatchObject({ code: 2 });
  expect(await move('0')).toMatchObject({ code: 2, said: expect.stringContaining('--to CLUSTER') });
});
