import { cpus } from 'node:os';
import { formatTable } from '../../cli/table.ts';
import { scratch } from '../../test/support/scratch.ts';
import { assemblyOf } from '../../test/support/synthesis.ts';
import { numberOption } from '../number-option.ts';
import { onGround } from '../sync/tools/ground.ts';
import { measureAll, type Row } from './rows.ts';

const FILES = 10_000;
const FILES_PER_FOLDER = 1000;

export const usage = `usage: npm run bench -- scale [--files N] [--per-folder N] [--json]

  --files N        files of the account (default: ${FILES.toLocaleString('en')})
  --per-folder N   files of each folder (default: ${FILES_PER_FOLDER.toLocaleString('en')})`;

/** What an account of many small files costs its devices: to fill it, to start, and at a change. */
export async function run({ json, words }: { json: boolean; words: readonly string[] }): Promise<void> {
  const files = numberOption(words, '--files', FILES);
  const perFolder = Math.min(files, numberOption(words, '--per-folder', FILES_PER_FOLDER));
  const progress = (line: string): void => console.error(`… ${line}`);
  const rows: Row[] = [];
  await onGround({ folder: await scratch('tidemark-bench-') }, async (ground) => {
    const assembly = await assemblyOf({ profile: 'team' });
    for await (const row of measureAll(assembly, { files, perFolder }, { ground, progress })) {
      progress(`${row.what}: ${row.seconds.toFixed(1)} s`);
      rows.push(row);
    }
  });
  if (json) console.log(JSON.stringify({ files, perFolder, rows }));
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
