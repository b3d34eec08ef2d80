import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Suite } from '../suite.ts';

/** Transactions of SQLite in WAL mode while the file is synced; `integrity_check` and all rows at the other device. */
export const sqlite: Suite = {
  name: 'SQLite',
  async work({ here, seconds }) {
    const database = new DatabaseSync(join(here, 'data.db'));
    database.exec('PRAGMA journal_mode = WAL; CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)');
    const insert = database.prepare('INSERT INTO rows (text) VALUES (?)');
    const change = database.prepare('UPDATE rows SET text = ? WHERE id % 17 = ?');
    const end = performance.now() + 1000 * seconds;
    let transactions = 0;
    for (; transactions < 20 || performance.now() < end; transactions++) {
      database.exec('BEGIN');
      for (let row = 0; row < 20; row++) insert.run(`${transactions} `.repeat(row * 5));
      if (transactions % 10 === 0) change.run(`changed in ${transactions}`, transactions % 17);
      database.exec('COMMIT');
      await sleep(10);
    }
    database.close();
    return { did: `${transactions} transactions` };
  },
  async check({ here, there }) {
    const [mine, theirs] = [here, there].map((folder) => stateOf(join(folder, 'data.db')));
    return mine === theirs ? [] : [`the database there is another: ${theirs}, here ${mine}`];
  },
};

function stateOf(place: string): string {
  const database = new DatabaseSync(place, { readOnly: true });
  try {
    const { integrity_check: integrity } = database.prepare('PRAGMA integrity_check').get()!;
    const { rows, bytes } = database.prepare('SELECT count(*) AS rows, sum(length(text)) AS bytes FROM rows').get()!;
    return `integrity ${integrity}, ${rows} rows of ${bytes} characters`;
  } catch (error) {
    return (error as Error).message;
  } finally {
    database.close();
  }
}
