import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The licences of packages, one after the other, as they ask to go with every copy. */
export async function licensesOf(root: string, packages: readonly string[]): Promise<string> {
  const texts = packages.map(async (folder) => {
    const at = join(root, folder);
    const { name, version, license } = JSON.parse(await readFile(join(at, 'package.json'), 'utf8'));
    const file = (await readdir(at)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : await readFile(join(at, file), 'utf8');
    return `${name} ${version}: ${license}\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}
