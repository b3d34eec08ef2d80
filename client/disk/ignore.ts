import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ignore from 'ignore';
import { isWithin } from '../../protocol/path.ts';
import { stateFolder } from '../../protocol/reserved-name.ts';
import { diskReason, LocalTrouble, systemCode } from '../common/errors.ts';
import { sleep } from '../common/waits.ts';
import { readExclusions } from '../state/exclusions.ts';

/** The file at the top of the folder with rules in gitignore syntax. It is synced like any other. */
export const ignoreFile = '.tidemarkignore';

/**
 * Files that office programs and others write on the way to the real one. Directories of such names are the user's. A
 * rule of the folder that starts with `!` brings a name back.
 */
const builtInRules = ['~$*', '.~lock.*#', '*.tmp'];

/** Why a path is left out of the sync. */
export interface Exclusion {
  /** As it is written; empty for the client's own files. */
  readonly rule: string;
  /** Where the rule stands, for people. */
  readonly source: string;
}

/** Whether a path, or a directory above it, is left out of the sync, and by which rule. */
export type Ignores = (path: string, isDirectory: boolean) => Exclusion | undefined;

export interface Rules {
  readonly ignores: Ignores;
  /** What this device leaves out besides. */
  readonly folders: readonly string[];
  /** The same for the same rules, also at another start. */
  readonly stamp: string;
}

/** Reads the folder's rules, and which folders this device leaves out; without a file, the rules built in apply. */
export async function loadRules(root: string): Promise<Rules> {
  const { text, folders, stamp } = await readRules(root);
  return { ignores: compileIgnores(text, folders), folders, stamp };
}

async function readRules(root: string): Promise<{ text: string } & Pick<Rules, 'folders' | 'stamp'>> {
  const text = await readFile(join(root, ignoreFile), 'utf8').catch((error) => {
    if (systemCode(error) === 'ENOENT') return '';
    throw new LocalTrouble(`${ignoreFile} cannot be read, so nothing is synced: ${diskReason(error)}`, {
      cause: error,
    });
  });
  const folders = readExclusions(root);
  const stamp = hash('sha256', JSON.stringify([builtInRules, text, folders]));
  return { text, folders, stamp };
}

/** Rules that stay the same for so long, ms, are written; so often they are looked at until they do. */
const SETTLED_MS = 100;
const MOST_LOOKS = 20;

/** Whether a folder has other rules than those of a stamp, and has had them for a moment: a file may be half written. */
export async function differsFrom(known: string | undefined, root: string): Promise<boolean> {
  let before = known;
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const { stamp } = await readRules(root);
    if (stamp === known) return false;
    if (stamp === before) return true;
    before = stamp;
    await sleep(SETTLED_MS);
  }
  return true;
}

/** The library keeps its answers, 200 bytes each: it starts anew after so many questions. */
const ANSWERS = 10_000;

const own: Exclusion = { rule: '', source: 'the client’s own' };

/** Where it is said that a folder is left out on this device. */
const excludedBy = "'tidemark exclude' on this device";

/**
 * The rules of a text in gitignore syntax, after those built in. Upper and lower case differ, as on every device.
 * @param folders what this device leaves out besides, with all that is in it
 */
export function compileIgnores(text: string, folders: readonly string[] = []): Ignores {
  let rules = ignore({ ignorecase: false });
  for (const name of builtInRules) rules.add([{ pattern: name, mark: 'built in' }, { pattern: `!${name}/` }]);
  for (const [index, pattern] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    rules.add({ pattern, mark: `line ${index + 1} of ${ignoreFile}` });
  }
  let asked = 0;
  return (path, isDirectory) => {
    if (isWithin(path, stateFolder)) return own;
    const folder = folders.find((at) => isWithin(path, at));
    if (folder !== undefined) return { rule: `${folder}/`, source: excludedBy };
    if (++asked % ANSWERS === 0) rules = ignore({ ignorecase: false }).add(rules);
    const { rule } = rules.checkIgnore(isDirectory ? `${path}/` : path);
    return rule && { rule: rule.pattern, source: rule.mark! };
  };
}

/** An exclusion in words. */
export function describeExclusion({ rule, source }: Exclusion): string {
  return rule === '' ? source : `${rule} (${source})`;
}
