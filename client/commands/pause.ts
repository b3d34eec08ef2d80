import { Command, InvalidArgumentError } from 'commander';
import { describePause, say } from '../common/format.ts';
import { isBeingSynced } from '../engine/folder.ts';
import { instruct } from '../engine/wake.ts';
import { notePause, type Pause } from '../state/pause.ts';
import { syncedFolder } from './synced-folder.ts';

interface Options {
  /** Milliseconds. */
  readonly for?: number;
  readonly json?: true;
}

export function pauseCommand(configFolder: () => string): Command {
  return new Command('pause')
    .description('sync nothing for a while; what changes meanwhile is synced afterwards')
    .argument('[dir]', 'the folder (default: the one this device syncs)')
    .option('--for <time>', "for so long, e.g. 45m, 2h, 1h30m or 3d (default: until 'tidemark resume')", parseDuration)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A running sync obeys at once, and a pause outlasts its restart. Nothing that is missing meanwhile is lost: afterwards
the folder is compared as after any time without a sync. A pause replaces the one before it.

Examples
  tidemark pause --for 2h
  tidemark pause ~/Tidemark`,
    )
    .action(async (directory: string | undefined, options: Options) =>
      pause(await syncedFolder(configFolder(), directory), options),
    );
}

async function pause(folder: string, { for: duration, json }: Options): Promise<void> {
  const paused: Pause = duration === undefined ? {} : { until: Date.now() + duration };
  await notePause(folder, paused);
  instruct(folder, 'read-pause');
  const running = isBeingSynced(folder);
  if (json) console.log(JSON.stringify({ folder, running, paused }));
  else say(`${folder} is ${describePause(paused)}${running ? '' : '; no sync is running'}`);
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Of a pause that is to end by itself. */
const MOST_MS = 366 * 86_400_000;

/** Milliseconds of `45m`, `1h30m` and the like. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d{1,9})([smhd])/g)];
  const duration = parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitMs[unit!]!, 0);
  const isWhole = parts.map(([part]) => part).join('') === text;
  if (isWhole && duration > 0 && duration <= MOST_MS) return duration;
  throw new InvalidArgumentError('A time is written as 45m, 2h, 1h30m or 3d, and is a year at most.');
}
