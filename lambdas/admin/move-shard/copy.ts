import type { Sql } from '../../shared/database/rows.ts';
import type { Change } from './capture.ts';
import type { Table } from './tables.ts';

/** Rows and bytes that are in memory at once. */
const PAGE_ROWS = 1000;
const PAGE_BYTES = 4 * 1024 * 1024;

const list = (columns: readonly string[]): string => columns.join(', ');
const keyNames = ({ key }: Table): string[] => key.map(({ name }) => name);

/** Reads the rows of a table after a key, as JSON text; `last` is the key of the last one, as texts. */
export async function readPage(
  sql: Sql,
  schema: string,
  table: Table,
  after: readonly string[] | null,
): Promise<{ rows: string | null; count: number; last: string[] | null }> {
  const order = list(keyNames(table));
  const bounds = table.key.map(({ type }, index) => `$${index + 1}::text::${type}`);
  const texts = table.key.map(({ name }) => `p.${name}::text`);
  const { rows } = await sql.query<{ rows: string | null; count: number; last: string[] | null }>(
    `select json_agg(p)::text as rows, count(*) as count,
       (array_agg(json_build_array(${list(texts)}) order by page_row desc))[1] as last
     from (
       select t.*, row_number() over place as page_row, sum(octet_length(t::text)) over place as page_bytes
       from (select * from ${schema}.${table.name}
             ${after ? `where (${order}) > (${list(bounds)})` : ''} order by ${order} limit ${PAGE_ROWS}) t
       window place as (order by ${order} rows unbounded preceding)) p
     where page_bytes <= ${PAGE_BYTES} or page_row = 1`,
    [...(after ?? [])],
  );
  return rows[0]!;
}

/** Adds rows that came as JSON text; those whose key is there already stay as they are. */
export async function insertRows(sql: Sql, schema: string, table: Table, rows: string): Promise<void> {
  const { name, columns } = table;
  await sql.query(
    `insert into ${schema}.${name} (${list(columns)})
     select ${list(columns)} from json_populate_recordset(null::${schema}.${name}, $1::json)
     on conflict (${list(keyNames(table))}) do nothing`,
    [rows],
  );
}

/** The rows with these keys as JSON text; null when none of them is there any more. */
export async function readRows(
  sql: Sql,
  schema: string,
  table: Table,
  keys: readonly Change['key'][],
): Promise<string | null> {
  const { rows } = await sql.query<{ rows: string | null }>(
    `select json_agg(t)::text as rows from ${schema}.${table.name} t join ${keysOf(table)} using (${list(keyNames(table))})`,
    [JSON.stringify(keys)],
  );
  return rows[0]!.rows;
}

export async function deleteRows(
  sql: Sql,
  schema: string,
  table: Table,
  keys: readonly Change['key'][],
): Promise<void> {
  const same = keyNames(table).map((name) => `t.${name} = k.${name}`);
  await sql.query(`delete from ${schema}.${table.name} t using ${keysOf(table)} where ${same.join(' and ')}`, [
    JSON.stringify(keys),
  ]);
}

function keysOf({ key }: Table): string {
  return `jsonb_to_recordset($1::jsonb) k(${list(key.map(({ name, type }) => `${name} ${type}`))})`;
}
