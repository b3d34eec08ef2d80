import { Command } from 'commander';
import { formatBytes } from '../../protocol/bytes.ts';
import type { SyncStatus } from '../../protocol/output/sync-status.ts';
import { describePause, formatTime, say } from '../common/format.ts';
import { describeExclusion } from '../disk/ignore.ts';
import { listLeftOut } from '../disk/left-out.ts';
import { describeTransfer, whyKept, withOverview } from './overview.ts';

export function statusCommand(configFolder: () => string): Command {
  return new Command('status')
    .description('what is synced, what waits, and what cannot be synced and why')
    .argument('[dir]', 'the folder (default: the one this device syncs)')
    .option('--json', 'print JSON')
    .action(async (directory: string | undefined, { json }: { json?: true }) =>
      withOverview(configFolder(), directory, async ({ status: seen, state, ignores }) => {
        const status = { ...seen, left_out: await listLeftOut(seen.folder, state.trees, ignores) };
        if (json) console.log(JSON.stringify(status));
        else print(status);
      }),
    );
}

/** Lines of one kind that are printed. */
const MOST_LINES = 50;

function printSome(lines: readonly string[], what: string): void {
  for (const line of lines.slice(0, MOST_LINES)) say(line);
  if (lines.length > MOST_LINES) say(`        ${lines.length - MOST_LINES} more ${what}; --json lists them all`);
}

function describeState({ running, paused, offline }: SyncStatus): string {
  if (paused) return `${describePause(paused)}${running ? '' : ', and not running'}`;
  if (!running) return 'not running';
  return offline ? `offline since ${formatTime(offline.since)} because ${offline.message}` : 'syncing';
}

function print(status: SyncStatus): void {
  const { left_out, leftovers } = status;
  const { folder, account, files, directories, bytes, cursor, pending, problems } = status;
  const { paused, offline, trouble, transfers = [] } = status;
  say(`${folder}, ${account ?? 'never synced'}`);
  say(`${describeState(status)}, at change ${cursor}`);
  if (trouble)
    say(
      `stopped ${trouble.since === undefined ? '' : `since ${formatTime(trouble.since)} `}by this machine: ${trouble.message}`,
    );
  say(`${files} files and ${directories} directories in sync, ${formatBytes(bytes)}`);
  for (const transfer of transfers) say(`moves   ${transfer.path}: ${describeTransfer(transfer)}`);
  const cause = paused
    ? ' for the end of the pause'
    : offline
      ? ' for the service'
      : trouble
        ? ' for this machine'
        : '';
  for (const { do: what, path } of pending) say(`waits${cause === '' ? '  ' : cause} ${path} (${what})`);
  for (const { path, message } of problems) say(`problem ${path}: ${message}`);
  if (left_out.length > 0) say(`${left_out.length} paths are left out by rules`);
  printSome(
    left_out.map(
      (item) => `ignored ${item.path}: ${describeExclusion(item)}${item.here ? '' : ', at the service only'}`,
    ),
    'are left out',
  );
  printSome(
    leftovers.map((path) => `kept    ${path}: ${whyKept}`),
    'are kept',
  );
}
