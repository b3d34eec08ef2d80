import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { AdminAnswers } from '../../../protocol/admin.ts';
import { transaction } from '../../shared/database/database.ts';
import type { Database } from '../../shared/database/rows.ts';
import { migrateSchema } from '../../shared/migrations/migrate-schema.ts';
import type { Migration } from '../../shared/migrations/read.ts';
import { OperatorRefusal } from '../refusal.ts';
import { lockProgress, noteProgress, type Progress, startCapture } from './capture.ts';
import { catchUp } from './catch-up.ts';
import { insertRows, readPage } from './copy.ts';
import { findSchemas, type Places, type Schemas, schemasOf } from './schemas.ts';
import {
  closeSource,
  LAST_CHANGES,
  loosen,
  NotNow,
  openTarget,
  restoreIndexes,
  validateForeignKeys,
} from './switch.ts';
import { listTables, type Table } from './tables.ts';

type Answer = AdminAnswers['move-shard'];

/** The clusters by name, and what makes a shard's schema. */
export interface MoveContext {
  readonly pools: ReadonlyMap<string, Database>;
  readonly migrations: readonly Migration[];
}

interface Move {
  readonly shard: number;
  readonly to: string;
  /** Milliseconds since 1970 when this run is to end, in time for an answer. */
  readonly until: number;
}

/** One run of a move on its way: what holds it, and both ends. */
interface Run {
  readonly lock: PoolClient;
  readonly source: Database;
  readonly target: Database;
  readonly schemas: Schemas;
  readonly tables: readonly Table[];
  readonly until: number;
}

const CATCH_UP = 2_000;
/** Triggers are made and dropped when nobody writes; those who would wait meanwhile. */
const TRIGGER_LOCK_MS = 2_000;
/** Between two tries to switch, for the writers that waited. */
const PAUSE_MS = 500;

/**
 * Moves a shard while it is used, or goes on with a move that was broken off anywhere: the schemas that are there say
 * how far it had come. Returns when the shard is moved, or the time is up; ask again then.
 */
export async function moveShard(context: MoveContext, move: Move): Promise<Answer> {
  if (!context.pools.has(move.to)) {
    throw new OperatorRefusal(`there is no cluster '${move.to}'; there are ${[...context.pools.keys()].join(', ')}`);
  }
  const places = await findSchemas(context.pools, move.shard);
  const [at] = places.live;
  if (places.live.length > 1)
    throw new OperatorRefusal(`shard ${move.shard} is on ${places.live.join(' and ')}: one is a copy`);
  if (at === move.to) return await finish(context, move, places);
  if (at === undefined) return await open(context, move, places);
  if (places.moving.length === 0) await begin(context, move, at);
  return await carryOn(context, move, at);
}

/** Takes a move back, up to the moment in which the target opens. */
export async function cancelMove({ pools }: Pick<MoveContext, 'pools'>, shard: number): Promise<void> {
  const schemas = schemasOf(shard);
  const [source] = (await findSchemas(pools, shard)).moving;
  if (source === undefined) throw new OperatorRefusal(`shard ${shard} is not being moved`);
  await transaction(pools.get(source)!, async (sql) => {
    if (!(await lockProgress(sql, schemas))) throw atWork(shard);
    const places = await findSchemas(pools, shard);
    const isClosed = places.left.includes(source);
    if (isClosed && places.live.length > 0) {
      throw new OperatorRefusal(
        `shard ${shard} is on ${places.live[0]} already: give the same move again to tidy up after it`,
      );
    }
    await sql.query(`set local lock_timeout = ${TRIGGER_LOCK_MS}`);
    // First what could still be opened, then the way back, so that the shard is never open twice.
    for (const cluster of places.arriving) await pools.get(cluster)!.query(`drop schema ${schemas.arriving} cascade`);
    await sql.query(`drop schema ${schemas.moving} cascade`);
    if (isClosed) await sql.query(`alter schema ${schemas.left} rename to ${schemas.live}`);
  });
}

/** Has changes noted, from before the first row is copied. */
async function begin({ pools }: MoveContext, { shard, to }: Move, at: string): Promise<void> {
  const schemas = schemasOf(shard);
  const source = pools.get(at)!;
  const tables = await listTables(source, schemas.live);
  await transaction(source, async (sql) => {
    await sql.query(`set local lock_timeout = ${TRIGGER_LOCK_MS}`);
    await startCapture(sql, schemas, tables, to);
  });
}

/** Makes the empty copy, without what would refuse rows in the order in which they come. */
async function prepareTarget({ target, schemas }: Run, migrations: readonly Migration[]): Promise<void> {
  const { arriving } = schemas;
  await target.query(`drop schema if exists ${arriving} cascade`);
  await migrateSchema(target, arriving, migrations);
  await transaction(target, async (sql) => {
    await loosen(sql, arriving);
    // Rows that migrations add come from the source as well.
    for (const { name } of await listTables(sql, arriving)) await sql.query(`delete from ${arriving}.${name}`);
  });
}

async function carryOn(context: MoveContext, move: Move, at: string): Promise<Answer> {
  const { shard, to, until } = move;
  const schemas = schemasOf(shard);
  const [source, target] = [context.pools.get(at)!, context.pools.get(to)!];
  const tables = await listTables(source, schemas.live);
  const answer = await transaction(source, async (lock): Promise<Answer | 'go on'> => {
    const progress = await lockProgress(lock, schemas);
    if (!progress) throw atWork(shard);
    if (progress.target !== to)
      throw new OperatorRefusal(`shard ${shard} is on its way to ${progress.target}: cancel that first`);
    const run = { lock, source, target, schemas, tables, until };
    if (!progress.prepared) {
      await prepareTarget(run, context.migrations);
      progress.prepared = true;
      await noteProgress(lock, schemas, progress);
    }
    return progress.table === null ? await switchOver(run) : await copyTables(run, progress);
  });
  return answer === 'go on' ? await moveShard(context, move) : answer;
}

/** Copies until the time is up, and answers how far it came. That all is copied has to be kept before anything else. */
async function copyTables(run: Run, progress: Progress): Promise<Answer | 'go on'> {
  const { lock, source, target, schemas, tables, until } = run;
  let { table: name, after } = progress;
  let copied = 0;
  while (name !== null) {
    if (Date.now() > until) return { state: 'copying', table: name, rows: copied };
    const index = tables.findIndex((table) => table.name === name);
    const page = await readPage(source, schemas.live, tables[index]!, after);
    if (page.rows !== null) await insertRows(target, schemas.arriving, tables[index]!, page.rows);
    copied += page.count;
    after = page.last;
    if (page.last === null) name = tables[index + 1]?.name ?? null;
    await noteProgress(lock, schemas, { ...progress, table: name, after });
  }
  return 'go on';
}

/** Brings over what has changed, and switches as soon as little is left. */
async function switchOver({ source, target, schemas, tables, until }: Run): Promise<Answer | 'go on'> {
  let reason = 'not tried yet';
  while (Date.now() < until) {
    try {
      const taken = await catchUp(source, target, schemas, tables, CATCH_UP);
      if (taken > LAST_CHANGES) continue;
      await restoreIndexes(source, target, schemas);
      await closeSource(source, target, schemas, tables);
      return 'go on';
    } catch (error) {
      if (!mayPass(error)) throw error;
      reason = (error as Error).message;
      await sleep(PAUSE_MS);
    }
  }
  return { state: 'switching', reason };
}

/** 57014: it took too long. 23505: a row was brought over before the one whose place it took. */
function mayPass(error: unknown): boolean {
  return error instanceof NotNow || ['57014', '23505'].includes(String((error as { code?: unknown }).code));
}

/** The source is closed and the target not open: between the two, a move was broken off. */
async function open(context: MoveContext, move: Move, places: Places): Promise<Answer> {
  const { pools } = context;
  const { shard, to } = move;
  const [[from], [copy]] = [places.left, places.arriving];
  if (from === undefined) throw new OperatorRefusal(`no cluster has shard ${shard}, nor what a move leaves of it`);
  if (copy !== to) throw new OperatorRefusal(`shard ${shard} is closed for its move to ${copy}: finish or cancel that`);
  await openTarget(pools.get(from)!, pools.get(to)!, schemasOf(shard));
  return await moveShard(context, move);
}

/** The shard is where it is to be: removes what the move has left elsewhere. */
async function finish({ pools }: MoveContext, { shard, to }: Move, places: Places): Promise<Answer> {
  const { arriving, moving, left } = schemasOf(shard);
  if (places.moving.includes(to))
    throw new OperatorRefusal(`shard ${shard} is on ${to} and on its way from there: cancel that first`);
  await validateForeignKeys(pools.get(to)!, schemasOf(shard));
  for (const [cluster, pool] of pools) {
    if (cluster === to) continue;
    for (const schema of [left, moving, arriving]) await pool.query(`drop schema if exists ${schema} cascade`);
  }
  return { state: 'moved' };
}

function atWork(shard: number): OperatorRefusal {
  return new OperatorRefusal(`another run is moving shard ${shard} just now`);
}
