import type { Writable } from 'node:stream';
import { formatBytes } from '../../protocol/bytes.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { describePause, printable } from '../common/format.ts';
import { LiveView } from './live-view.ts';
import type { Report } from './report.ts';
import type { Terminal } from './terminal.ts';

/** Lines for people. On a terminal, what moves is below them, and goes when it has ended. */
export function humanReport(output: Writable & { readonly isTTY?: boolean; readonly columns?: number }): Report {
  const live = output.isTTY === true ? new LiveView(output as Terminal) : undefined;
  let last: string | undefined;
  return (event) => {
    live?.note(event);
    const text = isPassing(event) ? undefined : describeEvent(event);
    // With nothing to tell in between, what was said still holds.
    if (text === undefined || (event.event === 'idle' && text === last)) return;
    if (live) live.say(text);
    else output.write(`${printable(text)}\n`);
    last = text;
  };
}

function isPassing(event: SyncEvent): boolean {
  return event.event === 'progress' || event.event === 'reading' || (event.event === 'scan' && !event.done);
}

/** An event in words; `undefined` for one of which nothing is said. */
export function describeEvent(event: SyncEvent): string | undefined {
  switch (event.event) {
    case 'scan':
      return `${event.done ? 'looked at' : 'looking at'} ${event.files} files`;
    case 'uploaded':
      return `up    ${event.path}  ${formatBytes(event.content_bytes)} of ${formatBytes(event.file_bytes)}`;
    case 'downloaded':
      return `down  ${event.path}  ${formatBytes(event.content_bytes)} of ${formatBytes(event.file_bytes)}`;
    case 'renamed':
      return `${event.side === 'remote' ? 'up    ' : 'down  '}${event.from} is now ${event.path}`;
    case 'deleted':
      return `${event.side === 'remote' ? 'up    ' : 'down  '}${event.path} deleted`;
    case 'directory':
      return `${event.side === 'remote' ? 'up    ' : 'down  '}${event.path}/`;
    case 'conflict':
      return `!     ${event.original} changed on both sides; yours is now ${event.path}`;
    case 'excluded':
      return describeExcluded(event);
    case 'transfers':
    case 'progress':
    case 'reading':
      return undefined;
    case 'online':
      return 'online';
    case 'offline':
      return `offline, trying again: ${event.message}`;
    case 'paused':
      return describePause(event);
    case 'resumed':
      return 'resumed';
    case 'degraded':
      return `looking for changes at intervals: ${event.message}`;
    case 'error':
      return `!     ${event.path === undefined ? '' : `${event.path}: `}${event.message}`;
    case 'idle':
      return event.left_out === 0 ? 'up to date' : leftOut(event.left_out);
  }
}

function describeExcluded({ path, files, kept }: Extract<SyncEvent, { event: 'excluded' }>): string {
  const rest = kept === 0 ? '' : `, ${kept} that are not stored as they are here stay`;
  return `      ${path} is left out on this device: ${files} ${files === 1 ? 'file' : 'files'} removed here${rest}`;
}

function leftOut(paths: number): string {
  return `not synced: ${paths} ${paths === 1 ? 'path' : 'paths'}; 'tidemark status' says why`;
}
