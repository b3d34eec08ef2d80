import type { PoolClient } from 'pg';
import { transaction } from '../../shared/database/database.ts';
import type { Database } from '../../shared/database/rows.ts';
import { OperatorRefusal } from '../refusal.ts';
import { catchUp } from './catch-up.ts';
import type { Schemas } from './schemas.ts';
import { countRows, listForeignKeys, listMigrations, listUniqueIndexes, type Table } from './tables.ts';

/** Writers wait for this long at most: first for the lock that is waited for, then for what is done under it. */
const LOCK_MS = 2_000;
const CLOSED_MS = 4_000;
/** What is brought over under the lock; a switch is not tried while there is much more. */
export const LAST_CHANGES = 1_000;

/** What would refuse a copy that is not yet whole: it comes back before the shard opens. */
export async function loosen(sql: PoolClient, schema: string): Promise<void> {
  for (const { table, name } of await listForeignKeys(sql, schema)) {
    await sql.query(`alter table ${schema}.${table} drop constraint ${name}`);
  }
  for (const { name } of await listUniqueIndexes(sql, schema)) await sql.query(`drop index ${schema}.${name}`);
}

/** Makes the unique indexes that the copy still lacks. They take time on large tables, so that happens while it is open. */
export async function restoreIndexes(source: Database, target: Database, { live, arriving }: Schemas): Promise<void> {
  const present = new Set((await listUniqueIndexes(target, arriving)).map(({ name }) => name));
  for (const { name, definition } of await listUniqueIndexes(source, live)) {
    if (!present.has(name)) await target.query(definition.replace(` ON ${live}.`, ` ON ${arriving}.`));
  }
}

/** The switch was given up for now: users went on where they were. */
export class NotNow extends Error {
  override readonly name = 'NotNow';
}

/**
 * Closes the source for good: no statement that names the shard finds it there after this commits, and those that wait
 * for the lock find nothing when they get it. Only a copy that is whole lets it come to that.
 * @throws NotNow, or PostgreSQL's 57014, when it takes too long; OperatorRefusal when the copy is not whole
 */
export async function closeSource(
  source: Database,
  target: Database,
  schemas: Schemas,
  tables: readonly Table[],
): Promise<void> {
  const { live, arriving, left } = schemas;
  await transaction(source, async (sql) => {
    await sql.query(`set local statement_timeout = ${LOCK_MS}`);
    // Readers go on. Whoever has written to one of the tables commits first.
    await sql.query(`lock table ${tables.map(({ name }) => `${live}.${name}`).join(', ')} in exclusive mode`);
    const end = performance.now() + CLOSED_MS;
    const demandTime = (): void => {
      if (performance.now() > end) throw new NotNow('it took too long');
    };
    await sql.query(`set local statement_timeout = ${CLOSED_MS}`);
    await catchUp(sql, target, schemas, tables, 2 * LAST_CHANGES);
    if ((await catchUp(sql, target, schemas, tables, 1)) > 0) throw new NotNow('too much had changed');
    demandTime();
    if ((await listMigrations(sql, live)) !== (await listMigrations(target, arriving))) {
      throw new OperatorRefusal('the schema has changed since the move began: cancel the move, then begin it again');
    }
    const [here, there] = [await countRows(sql, live, tables), await countRows(target, arriving, tables)];
    for (const { name } of tables) {
      if (here[name] === there[name]) continue;
      const message = `the copy of ${name} has ${there[name]} rows, not ${here[name]}: cancel the move, then begin it again`;
      throw new OperatorRefusal(message);
    }
    demandTime();
    await sql.query(`alter schema ${live} rename to ${left}`);
  });
}

/** Opens the target: from its commit on the shard is there. The source has been closed. */
export async function openTarget(source: Database, target: Database, { live, arriving, left }: Schemas): Promise<void> {
  const rules = await listForeignKeys(source, left);
  await transaction(target, async (sql) => {
    const present = new Set((await listForeignKeys(sql, arriving)).map(({ name }) => name));
    for (const { table, name, definition } of rules) {
      if (present.has(name)) continue;
      const here = definition.replace(` REFERENCES ${left}.`, ` REFERENCES ${arriving}.`);
      // The rows came from where the rule held; they are looked at once the shard is open.
      await sql.query(`alter table ${arriving}.${table} add constraint ${name} ${here} not valid`);
    }
    await sql.query(`alter schema ${arriving} rename to ${live}`);
  });
}

/** Looks at the rows that came before the foreign keys did. */
export async function validateForeignKeys(target: Database, { live }: Schemas): Promise<void> {
  for (const { table, name } of await listForeignKeys(target, live)) {
    await target.query(`alter table ${live}.${table} validate constraint ${name}`);
  }
}
