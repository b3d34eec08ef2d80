import type { Pool } from 'pg';
import type { Migration } from '../../../lambdas/shared/migrations/read.ts';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly value: string | null;
}

interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Constraints and indexes, as PostgreSQL spells them. */
  readonly rules: readonly string[];
}

/** A migrated schema as Markdown: each table with what the migrations say of it and of its columns. */
export async function describeSchema(sql: Pool, schema: string, migrations: readonly Migration[]): Promise<string> {
  const notes = notesOf(migrations);
  const tables = await tablesOf(sql, schema);
  return tables.map((table) => section(table, notes)).join('\n');
}

async function tablesOf(sql: Pool, schema: string): Promise<Table[]> {
  const { rows } = await sql.query<Table>(
    `select c.relname as name,
       (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
            'required', a.attnotnull, 'value', pg_get_expr(d.adbin, d.adrelid)) order by a.attnum)
          from pg_attribute a left join pg_attrdef d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       array(select pg_get_constraintdef(k.oid) from pg_constraint k
               where k.conrelid = c.oid and k.contype <> 'n' order by k.contype = 'c', k.contype <> 'p', k.conname)
         || array(select pg_get_indexdef(i.indexrelid) from pg_index i
               where i.indrelid = c.oid and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
               order by i.indexrelid::regclass::text collate "C") as rules
     from pg_class c where c.relnamespace = $1::regnamespace and c.relkind = 'r' and c.relname <> 'migrations'
     order by c.relname collate "C"`,
    [schema],
  );
  return rows.map((table) => ({ ...table, rules: table.rules.map((rule) => rule.replaceAll(`${schema}.`, '')) }));
}

/** The migrations' comments above tables and columns, by `table` and by `table.column`. */
function notesOf(migrations: readonly Migration[]): Map<string, string> {
  const notes = new Map<string, string>();
  let [table, pending] = ['', ''];
  for (const line of migrations.flatMap(({ sql }) => sql.split('\n'))) {
    const comment = /^\s*-- (.*)/.exec(line)?.[1];
    if (comment !== undefined) {
      pending += pending === '' ? comment : ` ${comment}`;
      continue;
    }
    const [, head, of, rest] = /^(create|alter) table \{\{schema\}\}\.(\w+)(.*)/.exec(line) ?? [];
    if (of !== undefined) table = of;
    if (head === 'create' && pending !== '') notes.set(table, pending);
    const column = /^\s*(?:.*(?:add column|rename column \w+ to) )?(\w+)/.exec(rest ?? line)?.[1];
    // `alter table` alone on its line: the comment is of the next one.
    if (head === 'alter' && column === undefined) continue;
    if (column !== undefined && pending !== '') notes.set(`${table}.${column}`, pending);
    pending = '';
  }
  return notes;
}

function section({ name, columns, rules }: Table, notes: ReadonlyMap<string, string>): string {
  const lines = [
    ['column', 'type', 'null', 'default', 'what it is'],
    ...columns.map(({ name: column, type, required, value }) => [
      `\`${column}\``,
      type,
      required ? '' : 'yes',
      value === null ? '' : `\`${value.replace(/\s+/g, ' ').replaceAll('|', '\\|')}\``,
      notes.get(`${name}.${column}`) ?? '',
    ]),
  ];
  const widths = lines[0]!.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)));
  const row = (line: readonly string[]): string =>
    `| ${line.map((cell, index) => cell.padEnd(index < line.length - 1 ? widths[index]! : 0)).join(' | ')} |`;
  const table = [
    row(lines[0]!),
    row([...widths.slice(0, -1).map((width) => '-'.repeat(width)), '-'.repeat(10)]),
    ...lines.slice(1).map(row),
  ];
  const note = notes.get(name);
  return [`### ${name}`, '', ...(note ? [note, ''] : []), ...table, '', '```sql', ...rules, '```', ''].join('\n');
}
