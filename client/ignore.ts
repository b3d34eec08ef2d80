import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ignore from 'ignore';
import { stateFolder } from '../protocol/reserved-name.ts';
import { diskReason, LocalTrouble, systemCode } from './errors.ts';
import { isInside } from './tree.ts';

/** The file at the top of the folder with rules in gitignore syntax. It is synced like any other. */
export const ignoreFile = '.tidemarkignore';

/** Office locks and files that programs write on the way to the real one; a rule starting with `!` brings them back. */
const defaults = ['~$*', '.~lock*', '*.tmp'];

export type Ignores = (path: string, isDirectory: boolean) => boolean;

/** Reads the folder's rules; without a file, the defaults apply. */
export async function loadIgnores(root: string): Promise<Ignores> {
  const text = await readFile(join(root, ignoreFile), 'utf8').catch((error) => {
    if (systemCode(error) === 'ENOENT') return '';
    throw new LocalTrouble(`${ignoreFile} cannot be read, so nothing is synced: ${diskReason(error)}`, {
      cause: error,
    });
  });
  return compileIgnores(text);
}

/** Whether a path, or a directory above it, is left out of the sync. */
export function compileIgnores(text: string): Ignores {
  const rules = ignore().add(defaults).add(text);
  return (path, isDirectory) => {
    if (path === stateFolder || isInside(path, stateFolder)) return true;
    return rules.ignores(isDirectory ? `${path}/` : path);
  };
}
