import { Command } from 'commander';
import { formatBytes } from '../../protocol/bytes.ts';
import type { SyncStatus } from '../../protocol/output/sync-status.ts';
import { ClientError } from '../common/errors.ts';
import { formatTime, say } from '../common/format.ts';
import { describeExclusion } from '../disk/ignore.ts';
import { listLeftOut } from '../disk/left-out.ts';
import { describeLimits } from './limit.ts';
import { showLive } from './live-status.ts';
import { describeEnd, describeState, describeTransfer, whyKept, withOverview } from './overview.ts';
import { syncedFolder } from './synced-folder.ts';

export function statusCommand(configFolder: () => string): Command {
  return new Command('status')
    .description('what is synced, what waits, and what cannot be synced and why')
    .argument('[dir]', 'the folder (default: the one this device syncs)')
    .option('--json', 'print JSON')
    .option('--live', 'on a terminal: what moves, how fast and how long yet, and the last changes, until Ctrl-C')
    .addHelpText(
      'after',
      `
Examples
  tidemark status
  tidemark status --live
  tidemark status ~/Tidemark --json`,
    )
    .action(async (directory: string | undefined, { json, live }: { json?: true; live?: true }) => {
      if (live) {
        if (json || !process.stdout.isTTY) throw new ClientError('usage', '--live is for a terminal');
        const root = await syncedFolder(configFolder(), directory);
        await showLive(root, configFolder(), { output: process.stdout, signal: untilInterrupted() });
        return;
      }
      await withOverview(configFolder(), directory, async ({ status: seen, state, ignores }) => {
        const status = { ...seen, left_out: await listLeftOut(seen.folder, state.trees, ignores) };
        if (json) console.log(JSON.stringify(status));
        else print(status);
      });
    });
}

function untilInterrupted(): AbortSignal {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
  return end.signal;
}

/** Lines of one kind that are printed. */
const MOST_LINES = 50;

function printSome(lines: readonly string[], what: string): void {
  for (const line of lines.slice(0, MOST_LINES)) say(line);
  if (lines.length > MOST_LINES) say(`        ${lines.length - MOST_LINES} more ${what}; --json lists them all`);
}

/** What all that is to be done waits for, if anything. */
function causeOf({ paused, offline, trouble }: SyncStatus): string | undefined {
  if (paused) return 'the end of the pause';
  if (offline) return 'the service';
  return trouble && 'this machine';
}

function print(status: SyncStatus): void {
  const { left_out, leftovers } = status;
  const { folder, account, files, directories, bytes, cursor, pending, problems } = status;
  const { trouble, limits, transfers = [] } = status;
  say(`${folder}, ${account ?? 'never synced'}`);
  say(`${describeState(status)}, at change ${cursor}`);
  if (status.ended) say(describeEnd(status.ended));
  if (trouble)
    say(
      `stopped ${trouble.since === undefined ? '' : `since ${formatTime(trouble.since)} `}by this machine: ${trouble.message}`,
    );
  say(`${files} files and ${directories} directories in sync, ${formatBytes(bytes)}`);
  if (limits) say(`limited to ${describeLimits(limits)}${limits.hold ? '' : ', not now'}`);
  for (const transfer of transfers) say(`moves   ${transfer.path}: ${describeTransfer(transfer)}`);
  const cause = causeOf(status);
  for (const { do: what, path } of pending)
    say(`waits${cause === undefined ? '  ' : ` for ${cause}`} ${path} (${what})`);
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
