import { chown, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { PAGE_BYTES, type Statistics } from '../../../bench/metadata/statistics.ts';

/** A table or an index is a file for each of so many pages. */
const PAGES_PER_FILE = 131_072;

/**
 * Makes tables and indexes as long as the statistics have them, by files with holes: PostgreSQL reckons with the length
 * of the file, and takes of the statistics only how many rows a page has. Their new pages are empty.
 */
export async function growFiles(pool: Pool, { relations }: Statistics): Promise<void> {
  for (const { schema, name, pages } of relations) {
    const { rows } = await pool.query<{ folder: string; file: string; kind: string }>(
      `select current_setting('data_directory') as folder, pg_relation_filepath(c.oid) as file, relkind as kind
       from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = $1 and relname = $2`,
      [schema, name],
    );
    const { folder, file, kind } = rows[0]!;
    // The statistics are to stay.
    if (kind === 'r') await pool.query(`alter table ${schema}.${name} set (autovacuum_enabled = false)`);
    for (let [segment, left] = [0, pages]; left > 0; segment++, left -= PAGES_PER_FILE) {
      await lengthen(join(folder, file), segment, Math.min(left, PAGES_PER_FILE) * PAGE_BYTES);
    }
  }
}

async function lengthen(file: string, segment: number, bytes: number): Promise<void> {
  const { uid, gid } = await stat(file);
  const name = segment === 0 ? file : `${file}.${segment}`;
  const handle = await open(name, 'a', 0o600);
  try {
    if ((await handle.stat()).size < bytes) await handle.truncate(bytes);
  } finally {
    await handle.close();
  }
  await chown(name, uid, gid);
}
