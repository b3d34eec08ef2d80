import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancelMove, moveShard } from '../../lambdas/admin/move-shard/move.ts';
import type { Database } from '../../lambdas/shared/database/rows.ts';
import { shardSchemas } from '../../lambdas/shared/database/shards.ts';
import { readMigrations } from '../../lambdas/shared/migrations/read.ts';
import { Run } from './run.ts';
import type { Action } from './scenario.ts';
import { World } from './world.ts';

/*
 * A move of a shard whose process dies. Of its statements only those count whose effect stays: death at any other
 * leaves the same behind as at the next of these.
 */

type Cluster = 'a' | 'b';

const migrations = readMigrations(join(import.meta.dirname, '../../migrations/shard'));
const shard = 0;
const schema = shardSchemas[shard]!;

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.close());

/** Stands for the death of the process at one statement: from then on nothing it says reaches a database. */
class Killed extends Error {}

interface Mortal {
  readonly pools: Map<string, Database>;
  /** The numbers of the statements whose effect stays, from 1. */
  readonly lasting: readonly number[];
}

/** Connections of a process that is killed before the statement with this number. */
function mortal(killAt: number): Mortal {
  const lasting: number[] = [];
  let count = 0;
  const guarded = async <Result>(isLasting: boolean, run: () => Promise<Result>): Promise<Result> => {
    count++;
    if (isLasting) lasting.push(count);
    if (count >= killAt) throw new Killed();
    return await run();
  };
  const isWrite = (text: string): boolean => !/^\s*select/i.test(text);
  const wrap = (pool: Database): Database =>
    ({
      query: (text: string, values?: unknown[]) => guarded(isWrite(text), () => pool.query(text, values)),
      connect: async () => {
        const client = await pool.connect();
        const query = (text: string, values?: unknown[]) =>
          guarded(text === 'commit', () => client.query(text, values));
        const release = async (error?: Error): Promise<void> => {
          // The database rolls back what a dead connection had begun.
          if (count >= killAt) await client.query('rollback');
          client.release(error);
        };
        return { query, release } as unknown as PoolClient;
      },
    }) as unknown as Database;
  const [a, b] = world.clusters.map(wrap);
  return {
    pools: new Map([
      ['a', a!],
      ['b', b!],
    ]),
    lasting,
  };
}

const immortal = (): Mortal => mortal(Number.POSITIVE_INFINITY);
const until = (): number => Date.now() + 60_000;

/** Does what a killed run keeps from others until its database has noticed the death. */
async function afterTheDead<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error as Error).message.startsWith('another run')) throw error;
      await sleep(5);
    }
  }
}

async function moveWhole(to: Cluster): Promise<Mortal> {
  const whole = immortal();
  const move = () => moveShard({ ...whole, migrations }, { shard, to, until: until() });
  expect(await afterTheDead(move)).toEqual({ state: 'moved' });
  return whole;
}

/** The names of all schemas of the shard, by cluster. */
async function schemasOf(): Promise<Record<Cluster, string[]>> {
  const [a, b] = await Promise.all(
    world.clusters.map(async (sql) => {
      const { rows } = await sql.query<{ name: string }>(
        `select nspname as name from pg_namespace where nspname ~ '^(shard|left|moving|arriving)_00$' order by 1`,
      );
      return rows.map(({ name }) => name);
    }),
  );
  return { a: a!, b: b! };
}

/** Every row of the shard and every rule of its tables, in an order of their own. */
async function contentOn(cluster: Cluster): Promise<unknown> {
  const sql = world.clusters[cluster === 'a' ? 0 : 1]!;
  const { rows: tables } = await sql.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r'
       and relname <> 'migrations' order by 1`,
    [schema],
  );
  const all = tables.map(({ name }) => `select '${name}' as name, t::text as row from ${schema}.${name} t`);
  const { rows } = await sql.query(`${all.join(' union all ')} order by 1, 2`);
  const { rows: rules } = await sql.query(
    `select pg_get_constraintdef(oid) as rule from pg_constraint where connamespace = $1::text::regnamespace
     union all select indexdef from pg_indexes where schemaname = $1::text order by 1`,
    [schema],
  );
  return { rows, rules };
}

async function fillShard(): Promise<void> {
  const run = await Run.begin(world, { crossUser: false, skewMinutes: 0, remains: [] });
  const upload = (path: number, upTo: 'init' | 'finalize'): Action => ({
    ...{ do: 'upload', user: 0, device: 0, files: [{ path, blocks: [path] }], upTo, delta: false, stale: false },
  });
  const actions: Action[] = [upload(0, 'finalize'), upload(1, 'finalize'), { do: 'delete', user: 0, path: 1 }];
  for (const action of [...actions, upload(2, 'init')]) {
    await run.play({ hours: 0, actions: [action], switches: [], faults: [] });
  }
}

test('a move that dies at any statement is finished or taken back, and the shard is never in two places', {
  timeout: 300_000,
}, async () => {
  await fillShard();
  const content = await contentOn('a');
  const { lasting } = await moveWhole('b');
  expect(lasting.length).toBeGreaterThan(20);
  let [from, to]: Cluster[] = ['b', 'a'];
  const outcomes = { finished: 0, cancelled: 0 };
  for (const at of lasting) {
    const dying = moveShard({ ...mortal(at), migrations }, { shard, to: to!, until: until() });
    await expect(dying, `at ${at}`).rejects.toThrow(Killed);
    const places = await schemasOf();
    const live = [...places.a, ...places.b].filter((name) => name === schema);
    expect(live.length, `at ${at}`).toBeLessThanOrEqual(1);
    const canCancel = places[from!].includes('moving_00') && !places[to!].includes(schema);
    if (canCancel && outcomes.cancelled <= outcomes.finished) {
      await afterTheDead(() => cancelMove(immortal(), shard));
      outcomes.cancelled++;
      expect(await schemasOf(), `at ${at}`).toEqual({ a: [], b: [], [from!]: [schema] });
    } else {
      await moveWhole(to!);
      outcomes.finished++;
      expect(await schemasOf(), `at ${at}`).toEqual({ a: [], b: [], [to!]: [schema] });
      [from, to] = [to!, from!];
    }
  }
  expect(outcomes.finished).toBeGreaterThan(5);
  expect(outcomes.cancelled).toBeGreaterThan(5);
  expect(await contentOn(from!)).toEqual(content);
});
