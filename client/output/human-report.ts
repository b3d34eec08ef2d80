import type { Writable } from 'node:stream';
import { formatBytes } from '../../protocol/bytes.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { describePause, printable } from '../common/format.ts';
import { Pace } from './pace.ts';
import type { Report } from './report.ts';

/** Short lines for people. On a terminal, progress is one line that is overwritten. */
export function humanReport(output: Writable & { readonly isTTY?: boolean; readonly columns?: number }): Report {
  const live = output.isTTY === true;
  const pace = new Pace();
  let onLive = false;
  let last: string | undefined;
  return (event) => {
    pace.note(event);
    const text = describeEvent(event, pace);
    if (text === undefined) return;
    const passing = isPassing(event);
    // With nothing to tell in between, what was said still holds.
    if ((passing && !live) || (event.event === 'idle' && text === last)) return;
    const line = passing ? shorten(printable(text), (output.columns ?? 80) - 1) : printable(text);
    output.write(`${onLive ? '\r\x1b[K' : ''}${line}${passing ? '' : '\n'}`);
    onLive = passing;
    if (!passing) last = text;
  };
}

function isPassing(event: SyncEvent): boolean {
  return event.event === 'progress' || event.event === 'reading' || (event.event === 'scan' && !event.done);
}

/** Characters that take two places. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** The beginning of a text that takes at most `columns` places of a terminal. */
function shorten(text: string, columns: number): string {
  let [result, left] = ['', columns];
  for (const character of text) {
    left -= wide.test(character) ? 2 : 1;
    if (left < 0) return `${result.slice(0, -1)}…`;
    result += character;
  }
  return result;
}

/** An event in words; `undefined` for one of which nothing is said. */
export function describeEvent(event: SyncEvent, pace = new Pace()): string | undefined {
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
      return undefined;
    case 'progress':
      return `      ${pace.describe()}  ${formatBytes(event.bytes)} of ${formatBytes(event.file_bytes)}  ${event.path}`;
    case 'reading':
      return `      reading  ${formatBytes(event.bytes)} of ${formatBytes(event.file_bytes)}  ${event.path}`;
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
