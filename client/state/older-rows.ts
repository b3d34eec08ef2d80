import type { DatabaseSync } from 'node:sqlite';
import { type AtPath, decodeBlocks, encodeRow, united } from './entry-row.ts';

/** Takes over what clients before 2026-12-01 wrote: a row for each tree that has something at a path. */
export function takeOlderRows(database: DatabaseSync): void {
  const isOlder = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'entries'").get();
  if (!isOlder) return;
  const rows = database.prepare('SELECT tree, path, entry, blocks FROM entries ORDER BY path').all();
  database.exec('BEGIN');
  const put = database.prepare('INSERT OR REPLACE INTO paths VALUES (?, ?, ?)');
  for (const [path, each] of Map.groupBy(rows, (row) => row.path as string)) {
    const entries = each.map(({ tree, entry, blocks }) => [
      tree,
      { ...JSON.parse(entry as string), blocks: decodeBlocks(blocks as Uint8Array) },
    ]);
    const row = encodeRow(united(Object.fromEntries(entries) as AtPath));
    put.run(path, row.entries, row.blocks);
  }
  database.exec('DROP TABLE entries; COMMIT');
}
