import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StatusView } from '../../client/commands/live-status.ts';
import { LogBook } from '../../client/output/log-book.ts';
import { logPlace } from '../../client/state/places.ts';
import { temporaryFolder } from './folder.ts';

test('a live status has what moves with its rate, and the last changes', async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, '.tidemark'));
  const book = new LogBook(logPlace(root));
  for (let index = 0; index < 12; index++) {
    book.note({ event: 'deleted', path: `file ${index}`, version: 1, at: Date.now(), side: 'remote' });
  }
  book.close();
  const view = new StatusView(root);
  const at = (seconds: number, bytes: number): string[] => {
    const transfer = { path: 'film', bytes, file_bytes: 100e6, side: 'remote', moved_at: 0, stalls: false } as const;
    return view.lines({ running: true, transfers: [transfer], moving: { bytes, of: 200e6 } }, seconds * 1000);
  };
  at(0, 0);
  const [state, all, film, gap, ...changes] = at(10, 50e6);
  expect([state, all, film, gap]).toEqual([
    `${root}: syncing`,
    '      25% of 200 MB  5.0 MB/s  30 s left',
    'up    50% of 100 MB  5.0 MB/s  10 s left  film',
    '',
  ]);
  expect(changes).toHaveLength(8);
  expect(changes.at(-1)).toMatch(/^\d{4}-.* up {4}file 11 deleted$/);
  // Other files: their rate is not that of those before.
  expect(view.lines({ running: true, moving: { bytes: 1, of: 5e9 } }, 11_000).slice(0, 2)).toEqual([
    `${root}: syncing`,
    '      0% of 5.0 GB',
  ]);
  expect(view.lines({ running: false }, 12_000).slice(0, 2)).toEqual([`${root}: not running`, '']);
});
