import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { type AtPath, united } from './at-path.ts';
import { decodeBlocks, decodeRow, encodeRow, putRow } from './entry-row.ts';
import { unpack } from './packed-row.ts';

type Row = Readonly<Record<string, SQLOutputValue>>;

/** Takes over what clients before 2026-12-02 wrote. */
export function takeOlderRows(database: DatabaseSync): void {
  // A row for each tree that has something at a path.
  take(database, { table: 'entries', columns: 'path, tree, entry, blocks' }, (rows) =>
    Object.fromEntries(
      rows.map(({ tree, entry, blocks }) => [
        tree,
        { ...JSON.parse(entry as string), blocks: decodeBlocks(blocks as Uint8Array) },
      ]),
    ),
  );
  // A row for each path, without its inode.
  take(database, { table: 'paths', columns: 'path, entries, blocks' }, ([row]) => {
    const held = decodeRow({ row: row!.entries as string, blocks: row!.blocks as Uint8Array });
    return typeof held === 'string' ? unpack(held) : held;
  });
}

/** @param decode the rows of one path */
function take(
  database: DatabaseSync,
  { table, columns }: { readonly table: string; readonly columns: string },
  decode: (rows: readonly Row[]) => AtPath,
): void {
  if (!database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table)) return;
  const rows = database.prepare(`SELECT ${columns} FROM ${table}`).all();
  database.exec('BEGIN');
  const put = database.prepare(putRow);
  for (const [path, own] of Map.groupBy(rows, (row) => row.path as string)) {
    const { row, blocks, inode, base_inode } = encodeRow(united(decode(own)));
    put.run(path, row, blocks, inode, base_inode);
  }
  database.exec(`DROP TABLE ${table}; COMMIT`);
}
