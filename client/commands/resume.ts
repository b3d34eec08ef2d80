import { Command } from 'commander';
import { say } from '../common/format.ts';
import { isBeingSynced } from '../engine/folder.ts';
import { instruct } from '../engine/wake.ts';
import { dropPause, readPause } from '../state/pause.ts';
import { syncedFolder } from './synced-folder.ts';

export function resumeCommand(configFolder: () => string): Command {
  return new Command('resume')
    .description('go on after a pause')
    .argument('[dir]', 'the folder (default: the one this device syncs)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples
  tidemark resume
  tidemark resume ~/Tidemark`,
    )
    .action(async (directory: string | undefined, { json }: { json?: true }) =>
      resume(await syncedFolder(configFolder(), directory), json === true),
    );
}

async function resume(folder: string, json: boolean): Promise<void> {
  const wasPaused = readPause(folder) !== undefined;
  await dropPause(folder);
  instruct(folder, 'read-pause');
  const running = isBeingSynced(folder);
  if (json) console.log(JSON.stringify({ folder, running, resumed: wasPaused }));
  else say(`${folder} ${wasPaused ? 'goes on' : 'was not paused'}${running ? '' : '; no sync is running'}`);
}
