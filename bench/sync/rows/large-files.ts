import { randomBytes } from 'node:crypto';
import { appendFile, cp, open, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { formatBytes } from '../../../local/demo/format.ts';
import type { Chapter, Step } from './chapter.ts';
import { changeRecord, logLines, writeDatabase, writeRandom, writeWithInsertion } from './content.ts';

const require = createRequire(import.meta.url);
const EDIT_BYTES = 100;
const APPENDED_BYTES = 300 * 1024;
/** Where something is inserted near the start. */
const NEAR_START = 5000;

const first: Step = {
  id: 'large',
  what: ({ large }) => `first ${formatBytes(large)} file`,
  prepare: ({ staging, sizes }) => writeRandom(join(staging, 'large.bin'), sizes.large),
  change: ({ folder, staging }) => rename(join(staging, 'large.bin'), join(folder, 'large.bin')),
};

const edited: Step = {
  id: 'edited',
  what: () => `${EDIT_BYTES}-byte edit in its middle`,
  async change({ folder, sizes }) {
    const file = await open(join(folder, 'large.bin'), 'r+');
    await file.write(randomBytes(EDIT_BYTES), 0, EDIT_BYTES, Math.floor(sizes.large / 2));
    await file.close();
  },
};

const inserted: Step = {
  id: 'inserted',
  what: () => `${EDIT_BYTES}-byte insertion near its start`,
  prepare: ({ folder, staging }) =>
    writeWithInsertion(join(folder, 'large.bin'), join(staging, 'large.bin'), NEAR_START, randomBytes(EDIT_BYTES)),
  change: ({ folder, staging }) => rename(join(staging, 'large.bin'), join(folder, 'large.bin')),
};

const log: Step = {
  id: 'log',
  what: ({ log: bytes }) => `a log of ${formatBytes(bytes)}`,
  ground: true,
  change: ({ folder, sizes }) => writeFile(join(folder, 'service.log'), logLines(sizes.log)),
};

const appended: Step = {
  id: 'appended',
  what: ({ log: bytes }) => `${formatBytes(APPENDED_BYTES)} appended to a log of ${formatBytes(bytes)}`,
  change: ({ folder }) => appendFile(join(folder, 'service.log'), logLines(APPENDED_BYTES)),
};

const database: Step = {
  id: 'database',
  what: ({ records }) => `a SQLite file of ${records.toLocaleString('en')} rows`,
  ground: true,
  prepare: async ({ staging, sizes }) => writeDatabase(join(staging, 'notes.sqlite'), sizes.records),
  change: ({ folder, staging }) => rename(join(staging, 'notes.sqlite'), join(folder, 'notes.sqlite')),
};

const changedRow: Step = {
  id: 'row',
  what: ({ records }) => `a row changed in a SQLite file of ${records.toLocaleString('en')}`,
  change: async ({ folder }) => changeRecord(join(folder, 'notes.sqlite')),
};

/** A file of an installed package takes the place of another one. */
function release(id: string, what: string, file: string): Step {
  return {
    id,
    what: () => what,
    prepare: ({ staging }) => cp(require.resolve(file), join(staging, 'release')),
    change: ({ folder, staging }) => rename(join(staging, 'release'), join(folder, 'release')),
  };
}

const binaries = ['esbuild-previous-linux-x64/bin/esbuild', '@esbuild/linux-x64/bin/esbuild'] as const;

export const largeFiles: readonly Chapter[] = [
  { id: 'large', table: 'large files', steps: [first, edited, inserted] },
  { id: 'log', table: 'large files', steps: [log, appended] },
  { id: 'database', table: 'large files', steps: [database, changedRow] },
  {
    id: 'source',
    table: 'large files',
    steps: [
      { ...release('source', 'a source of 9 MB', 'typescript-previous/lib/typescript.js'), ground: true },
      release('next-source', 'the next release of a 9 MB source', 'typescript-next/lib/typescript.js'),
    ],
  },
  {
    id: 'binary',
    table: 'large files',
    needs: binaries,
    steps: [
      release('binary', 'a binary of 11 MB', binaries[0]),
      release('next-binary', 'the next release of it', binaries[1]),
    ],
  },
];
