import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { exitCode } from '../common/errors.ts';
import { say } from '../common/format.ts';
import { describeExclusion, loadRules } from '../disk/ignore.ts';
import { exclusionOf } from '../disk/left-out.ts';
import { locateEntry } from '../engine/folder.ts';

export function checkIgnoreCommand(): Command {
  return new Command('check-ignore')
    .description('which rule leaves a path out; exit code 1 when none does')
    .argument('<path>', 'in the synced folder; it need not be there, and is a folder if it ends with /')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Rules are those of .tidemarkignore, those built in, and the folders of 'tidemark exclude'; 'tidemark explain' says as
well what else keeps a path from being synced.

Examples
  tidemark check-ignore build/
  tidemark check-ignore draft.tmp || echo synced`,
    )
    .action(async (path: string, { json }: { json?: true }) => checkIgnore(path, json === true));
}

async function checkIgnore(path: string, json: boolean): Promise<void> {
  const { root, inside } = locateEntry(path);
  const stats = await lstat(join(root, inside)).catch(() => undefined);
  const isFolder = stats ? stats.isDirectory() : path.endsWith('/');
  const by = exclusionOf(inside, (at) => at !== inside || isFolder, (await loadRules(root)).ignores);
  if (by === undefined) process.exitCode = exitCode.failure;
  if (json) console.log(JSON.stringify({ path: inside, ...(by && { rule: by.rule, source: by.source, at: by.path }) }));
  else say(`${inside}: ${by ? describeExclusion(by) : 'no rule leaves it out'}`);
}
