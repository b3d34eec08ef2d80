import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One file of SQL, to be applied once per schema. */
export interface Migration {
  /** The file's name, `0001-what.sql`; the order of the names is the order of application. */
  readonly name: string;
  /** Names its schema as `{{schema}}`. */
  readonly sql: string;
  readonly sha256: Buffer;
}

/** The migrations in a folder, in order. Throws when there are none, or when a name has no number of its own. */
export function readMigrations(folder: string): Migration[] {
  const names = globSync('*.sql', { cwd: folder }).sort();
  if (names.length === 0) throw new Error(`no migrations are in ${folder}: the bundle must hold them`);
  const unnumbered = names.find((name) => !/^\d{4}-/.test(name));
  if (unnumbered) throw new Error(`the migration ${unnumbered} has no number: name it like 0002-what.sql`);
  const taken = names.find((name, index) => name.slice(0, 4) === names[index - 1]?.slice(0, 4));
  if (taken) throw new Error(`the number of the migration ${taken} is taken: give it the next free one`);
  return names.map((name) => {
    const sql = readFileSync(join(folder, name), 'utf8');
    return { name, sql, sha256: createHash('sha256').update(sql).digest() };
  });
}
