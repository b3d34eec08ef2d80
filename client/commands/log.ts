import { Command, InvalidArgumentError } from 'commander';
import type { LogEntry } from '../../protocol/output/log-entry.ts';
import { formatTime, say } from '../common/format.ts';
import { type Names, readDeviceNames } from '../engine/device-names.ts';
import { locateInFolder } from '../engine/folder.ts';
import { describeEvent } from '../output/human-report.ts';
import { readLog } from '../output/log-book.ts';
import { logPlace } from '../state/places.ts';
import { syncedFolder } from './synced-folder.ts';

interface Options {
  readonly lines: number;
  readonly json?: true;
}

export function logCommand(configFolder: () => string): Command {
  return new Command('log')
    .description('what happened in the folder, newest first')
    .argument('[path]', 'only what concerns this file, or this folder and what is in it (default: all)')
    .option('--lines <number>', 'so many of the newest', parseCount, 50)
    .option('--json', 'print one line of JSON per event')
    .addHelpText(
      'after',
      `
'up' is what this device sent, 'down' what arrived from another one; '!' is a conflict or a problem. The syncs of this
device write it down, as far back as 4 MiB hold it; the versions of one file are in 'tidemark history'.

Examples
  tidemark log
  tidemark log ~/Tidemark/photos --lines 500
  tidemark log --json | grep '"event":"conflict"'`,
    )
    .action(async (path: string | undefined, options: Options) => log(configFolder(), path, options));
}

async function log(configFolder: string, path: string | undefined, { lines, json }: Options): Promise<void> {
  const { root, inside } =
    path === undefined ? { root: await syncedFolder(configFolder, undefined), inside: '' } : locateInFolder(path);
  const names = readDeviceNames(root);
  let left = lines;
  for (const entry of readLog(logPlace(root), inside === '' ? undefined : inside)) {
    if (left-- === 0) return;
    const named = withDevice(entry, names);
    if (json) console.log(JSON.stringify(named));
    else say(describe(named));
  }
  if (left === lines && !json) say('nothing is written down yet');
}

function withDevice(entry: LogEntry, names: Names): LogEntry {
  const { happened } = entry;
  const device = 'device_id' in happened && happened.device_id !== undefined ? names[happened.device_id] : undefined;
  return device === undefined ? entry : { ...entry, device };
}

function describe({ at, happened, device }: LogEntry): string {
  return `${formatTime(at)}  ${describeEvent(happened) ?? happened.event}${device === undefined ? '' : `  from ${device}`}`;
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number, 1 or more.');
}
