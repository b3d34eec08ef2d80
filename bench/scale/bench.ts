import { cpus } from 'node:os';
import { formatTable } from '../../cli/table.ts';
import { scratch } from '../../test/support/scratch.ts';
import { assemblyOf } from '../../test/support/synthesis.ts';
import { numberOption } from '../number-option.ts';
import { onGround } from '../sync/tools/ground.ts';
import { measureAll, type Row } from './rows.ts';

const FILES = 10_000;

export const usage = `usage: npm run bench -- scale [--files N] [--json]

  --files N   files of the account, in folders of 1,000 (default: ${FILES.toLocaleString('en')})`;

/** What an account of many small files costs its devices: to fill it, to start, and at a change. */
export async function run({ json, words }: { json: boolean; words: readonly string[] }): Promise<void> {
  const files = numberOption(words, '--files', FILES);
  const progress = (line: string): void => console.error(`… ${line}`);
  const rows: Row[] = [];
  await onGround({ folder: await scratch('tidemark-bench-') }, async (ground) => {
    const assembly = await assemblyOf({ profile: 'team' });
    for await (const row of measureAll(assembly, files, { ground, progress })) {
      progress(`${row.what}: ${row.seconds.toFixed(1)} s`);
      rows.push(row);
    }
  });
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
