import { createHash } from 'node:crypto';
import { devices, hashes, users, type World } from './world.ts';

const MINUTE = 60_000;

/** Names that mean something to the test; all others are as good as any. */
const known = new Set<string>([...users, ...devices, ...hashes, ...hashes.map((hash) => `\\x${hash}`)]);

const chosen = /^([0-9a-f]{8}-[0-9a-f-]{27}|\\x[0-9a-f]{32,}|[\w.-]{16,})$/;
const time = /^\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d(:?\d\d)?)$/;
/** Of milliseconds since 1970 in rows: years that a clock of the test can show. */
const [firstYear, lastYear] = [Date.UTC(2020), Date.UTC(2100)];

/**
 * What a world is like, and what else there is to say: equal for two states that differ in ids, tokens and challenges
 * that were drawn, or in times by less than a minute, and for no others. What happens from there on is the same, too.
 * @param start milliseconds since 1970 from which times are counted
 */
export async function fingerprint(world: World, start: number, more: unknown): Promise<string> {
  const rows: unknown[] = [more, ...world.store.describe()];
  for (const sql of world.clusters) {
    const { rows: tables } = await sql.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname ~ '^(shard_|blocks$)' and c.relkind = 'r' and c.relname <> 'migrations' order by 1`,
    );
    const all = tables.map(({ name }) => `select '${name}' as name, to_jsonb(t) as row from ${name} t`);
    rows.push(...(await sql.query(all.join(' union all '))).rows);
  }
  const plain = rows.map((row) => JSON.stringify(row, (_, value) => plainly(value, start - MINUTE / 2)));
  return createHash('sha256').update(named(plain).join('\n')).digest('hex');
}

/** Times as minutes since the moment from which states are compared. */
function plainly(value: unknown, start: number): unknown {
  if (typeof value === 'string' && time.test(value)) return `${Math.floor((Date.parse(value) - start) / MINUTE)} min`;
  const isTime = typeof value === 'number' && value > firstYear && value < lastYear;
  return isTime ? `${Math.floor((value - start) / MINUTE)} min` : value;
}

/** The rows in an order that does not depend on what was drawn, each drawn name replaced by when it first comes. */
function named(rows: readonly string[]): string[] {
  const names = new Map<string, string>();
  const rename = (name: string): string => {
    const before = names.get(name) ?? `#${names.size}`;
    names.set(name, before);
    return before;
  };
  const replaced = (row: string, by: (name: string) => string): string =>
    JSON.stringify(JSON.parse(row, (_, value) => (isDrawn(value) ? by(value) : value)));
  return rows
    .map((row) => ({ row, shape: replaced(row, () => '#') }))
    .sort((one, other) => (one.shape < other.shape ? -1 : 1))
    .map(({ row }) => replaced(row, rename));
}

function isDrawn(value: unknown): value is string {
  return typeof value === 'string' && !known.has(value) && chosen.test(value);
}
