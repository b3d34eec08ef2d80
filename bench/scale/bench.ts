import { rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { formatTable } from '../../cli/table.ts';
import { scratch } from '../../test/support/scratch.ts';
import { assemblyOf } from '../../test/support/synthesis.ts';
import { numberOption } from '../number-option.ts';
import { measureAll, type Row } from './rows.ts';

const FILES = 10_000;

export const usage = `usage: npm run bench -- scale [--files N] [--json]

  --files N   files of the account, in folders of 1,000 (default: ${FILES.toLocaleString('en')})`;

/** What an account of many small files costs its devices: to fill it, to start, and at a change. */
export async function run({ json, words }: { json: boolean; words: readonly string[] }): Promise<void> {
  const files = numberOption(words, '--files', FILES);
  const folder = await scratch('tidemark-bench-');
  const progress = (line: string): void => console.error(`… ${line}`);
  const ended = new AbortController();
  const undo = new AsyncDisposableStack();
  undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const rows: Row[] = [];
  try {
    const assembly = await assemblyOf({ profile: 'team' });
    const fail = (reason: Error): void => ended.abort(reason);
    const ground = { folder, link: undefined, undo, signal: ended.signal, fail };
    for await (const row of measureAll(assembly, files, { ground, progress })) {
      progress(`${row.what}: ${row.seconds.toFixed(1)} s`);
      rows.push(row);
    }
  } finally {
    await undo.disposeAsync();
  }
  if (json) console.log(JSON.stringify({ files, rows }));
  else print(files, rows);
}

function print(files: number, rows: readonly Row[]): void {
  const many = files.toLocaleString('en');
  console.log(`${many} files; Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}\n`);
  const lines = rows.map(({ what, seconds, calls, bytes, peak, state }) => [
    what,
    seconds.toFixed(1),
    String(calls),
    (bytes / 1e6).toFixed(1),
    (peak / 1e6).toFixed(0),
    (state / files).toFixed(0),
  ]);
  console.log(formatTable([['', 's', 'calls', 'MB', 'peak MB', 'state, bytes a file'], ...lines], [0]));
}
