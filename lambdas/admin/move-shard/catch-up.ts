import { transaction } from '../../shared/database/database.ts';
import type { Database, Sql } from '../../shared/database/rows.ts';
import { type Change, readChanges, removeChanges } from './capture.ts';
import { deleteRows, insertRows, readRows } from './copy.ts';
import type { Schemas } from './schemas.ts';
import type { Table } from './tables.ts';

/** Rows of one table that are in memory at once. */
const KEYS = 200;

/**
 * Brings the oldest changes over: each row that changed becomes what it is at the source now, or goes. The order does
 * not matter, and neither does doing it twice. Returns how many changes it took.
 */
export async function catchUp(
  source: Sql,
  target: Database,
  schemas: Schemas,
  tables: readonly Table[],
  limit: number,
): Promise<number> {
  const changes = await readChanges(source, schemas, limit);
  if (changes.length === 0) return 0;
  const keysByTable = Map.groupBy(changes, ({ table }) => table);
  await transaction(target, async (sql) => {
    // All go before any comes: two files may have changed their paths for each other's.
    const work = tables.flatMap((table) => chunks(distinctKeys(keysByTable.get(table.name) ?? []), table));
    for (const { table, keys } of work) await deleteRows(sql, schemas.arriving, table, keys);
    for (const { table, keys } of work) {
      const rows = await readRows(source, schemas.live, table, keys);
      if (rows !== null) await insertRows(sql, schemas.arriving, table, rows);
    }
  });
  await removeChanges(source, schemas, changes);
  return changes.length;
}

function distinctKeys(changes: readonly Change[]): Change['key'][] {
  return [...new Map(changes.map(({ key }) => [JSON.stringify(key), key])).values()];
}

function chunks(keys: readonly Change['key'][], table: Table): { table: Table; keys: Change['key'][] }[] {
  return Array.from({ length: Math.ceil(keys.length / KEYS) }, (_, index) => ({
    table,
    keys: keys.slice(index * KEYS, (index + 1) * KEYS),
  }));
}
