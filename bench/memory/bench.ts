import { mkdir, rename, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatTable } from '../../cli/table.ts';
import { numberOption } from '../number-option.ts';
import { type Pair, withPair } from '../pair.ts';
import { type Figures, figuresOf } from './figures.ts';

/** Files of the largest row; the others have shares of it. */
const FILES = 15_000;
const STORM_MS = 10_000;
/** How long devices rest before it is asked what came back. */
const REST_MS = 60_000;

interface Row {
  readonly name: string;
  /** Seconds until both devices were equal and at rest. */
  readonly seconds: number;
  readonly desk: Figures;
  readonly attic: Figures;
}

export const usage = `usage: npm run bench -- memory [--files N] [--json]

  --files N   files of the largest row (default: ${FILES.toLocaleString('en')})`;

/** What two devices hold in memory before and after much happened: the device where it does (`desk`), and the other. */
export async function run({ json, words }: { json: boolean; words: readonly string[] }): Promise<void> {
  const files = numberOption(words, '--files', FILES);
  const node = ['--expose-gc', '--import', join(import.meta.dirname, 'report.ts')];
  const rows = await withPair({ node }, async (pair) => {
    const measured: Row[] = [];
    for (const [name, work] of worksOf(pair.desk.folder, files)) {
      console.error(`… ${name}`);
      measured.push(await measure(name, pair, work));
    }
    return measured;
  });
  if (json) console.log(JSON.stringify({ files, rows }));
  else print(rows);
}

function worksOf(folder: string, files: number): [string, () => Promise<void>][] {
  return [
    [
      '800 files',
      async () => {
        await makeFiles(join(folder, 'few'), 200, 1);
        await makeFiles(join(folder, 'ballast'), 600, 1);
      },
    ],
    [`200 renamed for ${STORM_MS / 1000} s`, () => renameAll(join(folder, 'few', '0'), 200)],
    [`${files} files in 100 folders`, () => makeFiles(join(folder, 'many'), files, 100)],
    [`a tree of ${Math.round(files / 2)} files, four deep`, () => makeTree(join(folder, 'tree'), files / 2)],
  ];
}

async function measure(name: string, { desk, attic, untilEqual }: Pair, work: () => Promise<void>): Promise<Row> {
  const begin = performance.now();
  await work();
  await untilEqual();
  const seconds = (performance.now() - begin) / 1000;
  await sleep(REST_MS);
  return { name, seconds, desk: await figuresOf(desk.pid!), attic: await figuresOf(attic.pid!) };
}

async function makeFiles(folder: string, files: number, folders: number): Promise<void> {
  for (let nth = 0; nth < folders; nth++) await mkdir(join(folder, String(nth)), { recursive: true });
  for (let nth = 0; nth < files; nth++)
    await writeFile(join(folder, String(nth % folders), `${nth}.txt`), `${nth}`.repeat(200));
}

async function makeTree(folder: string, files: number): Promise<void> {
  // As many files in a folder at each depth as packages have.
  const places = [48, 16, 8, 8];
  for (let nth = 0; nth < files; nth++) {
    const inside = join(folder, ...places.map((many) => String(Math.floor(nth / many))));
    await mkdir(inside, { recursive: true });
    await writeFile(join(inside, `${nth}.js`), `export const value = ${nth};\n`.repeat(10));
  }
}

async function renameAll(folder: string, files: number): Promise<void> {
  const end = performance.now() + STORM_MS;
  const names = Array.from({ length: files }, (_, nth) => `${nth}.txt`);
  for (let round = 0; performance.now() < end; round++) {
    for (const [nth, name] of names.entries()) {
      names[nth] = `${nth} renamed ${round}.txt`;
      await rename(join(folder, name), join(folder, names[nth]!));
    }
  }
}

function print(rows: readonly Row[]): void {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}; MB after a minute of rest\n`);
  const header = ['', 's', ...['desk', 'attic'].flatMap((name) => [`${name}: peak`, 'in memory', 'live'])];
  const lines = rows.map(({ name, seconds, desk, attic }) => [
    name,
    seconds.toFixed(0),
    ...[desk, attic].flatMap(({ peak, resident, live }) => [peak, resident, live].map(megabytes)),
  ]);
  console.log(formatTable([header, ...lines], [0]));
}
