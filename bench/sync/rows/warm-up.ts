import { randomBytes } from 'node:crypto';
import { appendFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Step } from './chapter.ts';
import { writeFiles } from './content.ts';

const BYTES = 100_000;

function step(id: string, change: Step['change']): Step {
  return { id, what: () => 'warming up', change, ground: true };
}

/** Small files: some that come with a call, and as many in packs as keep two calls of each kind under way. */
const SMALL = [
  { files: 100, bytes: 2 * 1024 },
  { files: 1_000, bytes: 20 * 1024 },
];

/** One of each kind of change, so that what is measured next meets programs that have all run already. */
export const warmUp: readonly Step[] = [
  step('new', async ({ folder }) => {
    for (const name of ['edited', 'moved', 'deleted']) await writeFile(warm(folder, name), randomBytes(BYTES));
  }),
  ...SMALL.map(({ files, bytes }) =>
    step(`small-${bytes}`, ({ folder }) => writeFiles(join(folder, `warm-up ${bytes}`), files, bytes)),
  ),
  step('edit', ({ folder }) => appendFile(warm(folder, 'edited'), 'more')),
  step('rename', ({ folder }) => rename(warm(folder, 'moved'), warm(folder, 'moved again'))),
  step('delete', ({ folder }) => rm(warm(folder, 'deleted'))),
];

function warm(folder: string, name: string): string {
  return join(folder, `warm-up ${name}.bin`);
}
