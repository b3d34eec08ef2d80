import type { Pool } from 'pg';
import type { SavedObject } from './store.ts';
import type { World } from './world.ts';

interface Table {
  /** With its schema. */
  readonly name: string;
  /** Where its rows are kept. */
  readonly kept: string;
  /** Without those that PostgreSQL computes. */
  readonly columns: string;
}

/**
 * A moment of a world, to which it can be brought back as often as one likes: the rows of both clusters, the objects of
 * the store, and the time.
 */
export class Moment {
  /** Milliseconds since 1970, by the clock of the first cluster. */
  readonly start: number;
  readonly #world: World;
  readonly #hours: number;
  readonly #objects: readonly SavedObject[];
  readonly #clusters: readonly { readonly sql: Pool; readonly tables: readonly Table[] }[];

  private constructor(
    world: World,
    start: number,
    objects: readonly SavedObject[],
    clusters: readonly { readonly sql: Pool; readonly tables: readonly Table[] }[],
  ) {
    this.start = start;
    this.#world = world;
    this.#hours = world.hours;
    this.#objects = objects;
    this.#clusters = clusters;
  }

  /** Keeps this moment of the world, and forgets the one that was kept before. */
  static async keep(world: World): Promise<Moment> {
    await world.vacuum();
    const clusters = [];
    for (const sql of world.clusters) clusters.push({ sql, tables: await keepRows(sql) });
    const { rows } = await clusters[0]!.sql.query<{ start: number }>(
      'select extract(epoch from at + by)::float8 * 1000 as start from moment.clock',
    );
    return new Moment(world, rows[0]!.start, await world.store.save(), clusters);
  }

  /** By the clocks of the world, it is this moment again. */
  async bringBack(): Promise<void> {
    this.#world.hours = this.#hours;
    await this.#world.store.bringBack(this.#objects);
    for (const { sql, tables } of this.#clusters) {
      // As a replica: in whichever order the tables come, nothing is checked and nothing cascades.
      await sql.query(
        `begin; set local session_replication_role = replica;
         ${tables.map(({ name }) => `delete from ${name};`).join('')}
         ${tables.map(({ name, kept, columns }) => `insert into ${name} (${columns}) select ${columns} from ${kept};`).join('')}
         update clock.shift set by = kept.by - (pg_catalog.now() - kept.at) from moment.clock kept;
         commit`,
      );
    }
  }
}

async function keepRows(sql: Pool): Promise<Table[]> {
  const { rows: tables } = await sql.query<Table>(
    `select c.oid::regclass::text as name, 'moment.' || n.nspname || '_' || c.relname as kept,
       string_agg(quote_ident(a.attname), ', ') as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
     where n.nspname ~ '^(shard_|blocks$)' and c.relkind = 'r' and c.relname not in ('migrations', 'relay_turn')
       and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     group by c.oid, n.nspname, c.relname order by 1`,
  );
  await sql.query(
    `drop schema if exists moment cascade; create schema moment;
     create table moment.clock as select by, pg_catalog.now() as at from clock.shift;
     ${tables.map(({ name, kept }) => `create table ${kept} as table ${name};`).join('')}`,
  );
  return tables;
}
