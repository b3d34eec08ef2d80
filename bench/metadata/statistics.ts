import { writeFile } from 'node:fs/promises';
import type { Pool } from 'pg';
import { fillAccount } from './large-account.ts';
import { startServer } from './service.ts';

/** Of an account and of the service, as the goals have it. */
const SIZE = { files: 1_000_000, blocks: 10_000_000 };
/** Values that are drawn of each column; PostgreSQL's own default, 100, would only be a longer file. */
const TARGET = 10;
/** Where PostgreSQL reckons in pages. */
export const PAGE_BYTES = 8192;

export interface Statistics {
  /** When they were found, by the database's clock. */
  readonly taken: string;
  /** Of tables and indexes. */
  readonly relations: readonly Relation[];
  readonly columns: readonly Column[];
}

interface Relation {
  readonly schema: string;
  readonly name: string;
  readonly pages: number;
  readonly rows: number;
  /** Pages of which all rows are visible to everybody. */
  readonly visible: number;
}

interface Column {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** By their names in `pg_stats`, as text. */
  readonly values: Readonly<Record<string, string | null>>;
}

/** What `pg_stats` has of a column and the planner uses here, and its types in `pg_restore_attribute_stats`. */
const kinds = {
  null_frac: 'real',
  avg_width: 'integer',
  n_distinct: 'real',
  most_common_vals: 'text',
  most_common_freqs: 'real[]',
  histogram_bounds: 'text',
  correlation: 'real',
} as const;

/** Fills a server of its own with a large account and many blocks, and writes what PostgreSQL knows of them to a file. */
export async function writeStatistics(file: string): Promise<void> {
  const { pool, stop } = await startServer();
  try {
    await pool.query(`alter system set default_statistics_target = ${TARGET}`);
    await pool.query('select pg_reload_conf()');
    await fillAccount(pool, SIZE);
    await writeFile(file, `${JSON.stringify(await readStatistics(pool), null, 2)}\n`);
  } finally {
    await stop();
  }
}

async function readStatistics(pool: Pool): Promise<Statistics> {
  const ours = `like any('{blocks,shard\\_%}')`;
  const { rows: relations } = await pool.query<Relation>(
    `select nspname as schema, relname as name, relpages as pages, reltuples::float8 as rows, relallvisible as visible
     from pg_class join pg_namespace n on n.oid = relnamespace
     where nspname ${ours} and relkind in ('r', 'i') and reltuples > 0 and relname not like 'migrations%'
     order by 1, 2`,
  );
  const { rows: columns } = await pool.query<Column>(
    `select schemaname as schema, tablename as table, attname as column, jsonb_build_object(
       ${Object.keys(kinds).map((name) => `'${name}', ${name}::text`)}) as values
     from pg_stats where schemaname ${ours} and tablename <> 'migrations' order by 1, 2, 3`,
  );
  const { rows } = await pool.query<{ taken: string }>('select now()::text as taken');
  return { taken: rows[0]!.taken, relations, columns };
}

/**
 * Has the planner of a migrated database believe that it has the rows of which these are the statistics. Moments are as far
 * from now as they were then: what was not due yet is not due because the statistics are old.
 */
export async function loadStatistics(pool: Pool, { taken, relations, columns }: Statistics): Promise<void> {
  for (const { schema, name, pages, rows, visible } of relations) {
    await pool.query(
      `select pg_restore_relation_stats('schemaname', $1::text, 'relname', $2::text,
         'relpages', $3::integer, 'reltuples', $4::real, 'relallvisible', $5::integer)`,
      [schema, name, pages, rows, visible],
    );
  }
  const moments = await columnsOfMoments(pool);
  for (const { schema, table, column, values: then } of columns) {
    const isMoment = moments.has(`${schema}.${table}.${column}`);
    const values = isMoment ? await shifted(pool, then, taken) : then;
    const given = Object.entries(kinds).filter(([name]) => values[name] !== null);
    const pairs = given.map(([name, type], index) => `'${name}', $${index + 4}::text::${type}`);
    await pool.query(
      `select pg_restore_attribute_stats('schemaname', $1::text, 'relname', $2::text, 'attname', $3::text,
         'inherited', false, ${pairs})`,
      [schema, table, column, ...given.map(([name]) => values[name])],
    );
  }
}

/** Of the columns that hold moments, `schema.table.column`. */
async function columnsOfMoments(pool: Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ name: string }>(
    `select concat_ws('.', table_schema, table_name, column_name) as name
     from information_schema.columns where data_type = 'timestamp with time zone'`,
  );
  return new Set(rows.map(({ name }) => name));
}

/** The values of a column of moments, later by as much as has passed since they were taken. */
async function shifted(pool: Pool, values: Column['values'], taken: string): Promise<Column['values']> {
  const { rows } = await pool.query<Column['values']>(
    `select ${['most_common_vals', 'histogram_bounds'].map(
      (name, index) => `(select array_agg(moment + (now() - $3::timestamptz) order by nth)::text
        from unnest($${index + 1}::timestamptz[]) with ordinality as each(moment, nth)) as ${name}`,
    )}`,
    [values.most_common_vals, values.histogram_bounds, taken],
  );
  return { ...values, ...rows[0] };
}
