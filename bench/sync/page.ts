import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const page = join(import.meta.dirname, '../../docs/transfers.md');
const BEGIN = '<!-- begin: npm run bench -- sync --peers --page -->';
const END = '<!-- end -->';

/** Puts a text in place of what the last run left in docs/transfers.md. */
export async function writePage(text: string): Promise<void> {
  const [before, rest] = (await readFile(page, 'utf8')).split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${page} has no place for the tables: ${BEGIN} and ${END}`);
  await writeFile(page, `${before}${BEGIN}\n\n${text}\n${END}${after}`);
}
