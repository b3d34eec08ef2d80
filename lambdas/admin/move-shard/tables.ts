import type { Sql } from '../../shared/database/rows.ts';

/** A table of a shard, as the catalog describes it. */
export interface Table {
  readonly name: string;
  /** Those that can be written: generated ones are left out. */
  readonly columns: readonly string[];
  /** Columns of the primary key, in its order, with their types. */
  readonly key: readonly { readonly name: string; readonly type: string }[];
}

/** The schema's tables; what notes its migrations is no part of its content. */
export async function listTables(sql: Sql, schema: string): Promise<Table[]> {
  const { rows } = await sql.query<Table>(
    `select c.relname as name,
       (select json_agg(a.attname order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
       (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by k.place)
        from pg_index i cross join unnest(i.indkey) with ordinality k(attnum, place)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
        where i.indrelid = c.oid and i.indisprimary) as key
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'r' and c.relname <> 'migrations' order by c.relname`,
    [schema],
  );
  const keyless = rows.find(({ key }) => key === null);
  if (keyless) throw new Error(`${schema}.${keyless.name} has no primary key, by which a move copies it`);
  return rows;
}

/** Names of the migrations that the schema has had. */
export async function listMigrations(sql: Sql, schema: string): Promise<string> {
  const { rows } = await sql.query<{ names: string }>(
    `select coalesce(string_agg(name, ' ' order by name), '') as names from ${schema}.migrations`,
  );
  return rows[0]!.names;
}

/** How many rows each of the tables has, by one statement. */
export async function countRows(sql: Sql, schema: string, tables: readonly Table[]): Promise<Record<string, number>> {
  const counts = tables.map(({ name }) => `(select count(*) from ${schema}.${name}) as ${name}`);
  const { rows } = await sql.query<Record<string, number>>(`select ${counts.join(', ')}`);
  return rows[0]!;
}

interface Rule {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

/** The foreign keys of a schema, defined as in that schema. */
export async function listForeignKeys(sql: Sql, schema: string): Promise<Rule[]> {
  const { rows } = await sql.query<Rule>(
    `select c.relname as table, o.conname as name, pg_get_constraintdef(o.oid) as definition
     from pg_constraint o join pg_class c on c.oid = o.conrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and o.contype = 'f' order by o.conname`,
    [schema],
  );
  return rows;
}

/** The unique indexes of a schema beside the primary keys. */
export async function listUniqueIndexes(sql: Sql, schema: string): Promise<Rule[]> {
  const { rows } = await sql.query<Rule>(
    `select c.relname as table, x.relname as name, pg_get_indexdef(i.indexrelid) as definition
     from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
     join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and i.indisunique and not i.indisprimary and c.relname <> 'migrations' order by x.relname`,
    [schema],
  );
  return rows;
}
