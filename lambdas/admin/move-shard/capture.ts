import type { PoolClient } from 'pg';
import type { Sql } from '../../shared/database/rows.ts';
import type { Schemas } from './schemas.ts';
import type { Table } from './tables.ts';

/** How far a copy has come: all tables before this one, and of this one all rows up to a key. */
export interface Progress {
  /** The cluster that the shard moves to. */
  target: string;
  /** Whether the empty copy is there. */
  prepared: boolean;
  /** Absent when every table is copied. */
  table: string | null;
  /** The key of the last row that was copied, as texts. */
  after: string[] | null;
}

/** A row that changed, by its key. */
export interface Change {
  id: number;
  table: string;
  key: Record<string, unknown>;
}

/**
 * From the commit of this on, the key of every row that changes in the shard is noted, by triggers and in the changing
 * transaction itself. A trigger waits for those that write to its table already, so none is missed.
 */
export async function startCapture(
  sql: PoolClient,
  { live, moving }: Schemas,
  tables: readonly Table[],
  target: string,
): Promise<void> {
  await sql.query(`create schema ${moving}`);
  await sql.query(
    `create table ${moving}.changes (
       id bigint generated always as identity primary key, table_name text not null, key jsonb not null)`,
  );
  await sql.query(
    `create table ${moving}.progress (
       only_row boolean primary key default true check (only_row), target text not null,
       prepared boolean not null default false, table_name text, after jsonb)`,
  );
  await sql.query(`insert into ${moving}.progress (target, table_name) values ($1, $2)`, [target, tables[0]!.name]);
  // With its owner's rights: the role of the requests has none on this schema.
  await sql.query(
    `create function ${moving}.note() returns trigger language plpgsql security definer
       set search_path = pg_catalog, pg_temp as $$
     begin
       if tg_op <> 'INSERT' then
         insert into ${moving}.changes (table_name, key)
         select tg_table_name, jsonb_object_agg(name, to_jsonb(old) -> name) from unnest(tg_argv) name;
       end if;
       if tg_op <> 'DELETE' then
         insert into ${moving}.changes (table_name, key)
         select tg_table_name, jsonb_object_agg(name, to_jsonb(new) -> name) from unnest(tg_argv) name;
       end if;
       return null;
     end $$`,
  );
  for (const { name, key } of tables) {
    const columns = key.map((column) => `'${column.name}'`).join(', ');
    await sql.query(
      `create trigger moving after insert or update or delete on ${live}.${name}
       for each row execute function ${moving}.note(${columns})`,
    );
  }
}

/** Takes the progress for the length of the transaction. Undefined while another run has it. */
export async function lockProgress(sql: PoolClient, { moving }: Schemas): Promise<Progress | undefined> {
  // The lock of a run that died goes with its connection, which the database may take for alive.
  await sql.query("set local idle_in_transaction_session_timeout = '300s'");
  const { rows } = await sql.query<Progress>(
    `select target, prepared, table_name as table, after from ${moving}.progress for update skip locked`,
  );
  return rows[0];
}

export async function noteProgress(
  sql: PoolClient,
  { moving }: Schemas,
  { prepared, table, after }: Progress,
): Promise<void> {
  await sql.query(`update ${moving}.progress set prepared = $1, table_name = $2, after = $3`, [
    prepared,
    table,
    after && JSON.stringify(after),
  ]);
}

/** The oldest changes that have not been brought over. */
export async function readChanges(sql: Sql, { moving }: Schemas, limit: number): Promise<Change[]> {
  const { rows } = await sql.query<Change>(
    `select id, table_name as table, key from ${moving}.changes order by id limit $1`,
    [limit],
  );
  return rows;
}

/** By their ids: a change with a lower id may become visible later. */
export async function removeChanges(sql: Sql, { moving }: Schemas, changes: readonly Change[]): Promise<void> {
  await sql.query(`delete from ${moving}.changes where id = any($1)`, [changes.map(({ id }) => id)]);
}
