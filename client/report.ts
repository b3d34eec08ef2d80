import type { Writable } from 'node:stream';
import { formatBytes } from './format.ts';

interface Done {
  readonly path: string;
  /** The version at the service. */
  readonly version: number;
  /** Milliseconds since 1970: when it was committed at the service, or complete on this disk. */
  readonly at: number;
  /** With changes made here, milliseconds since 1970: when this device noticed the change. */
  readonly noticed_at?: number;
}

interface Transfer extends Done {
  readonly file_bytes: number;
  /** Bytes of blocks and deltas that crossed the wire for this file. */
  readonly content_bytes: number;
}

/** What happens during a sync. `tidemark sync --json` prints each as one line. */
type SyncEvent =
  /** A look at the disk: entries seen so far. `done` when the look is complete. */
  | { readonly event: 'scan'; readonly files: number; readonly done: boolean }
  /** `body_bytes`: all request bodies for the file, its share of those that several files have in common included. */
  | (Transfer & { readonly event: 'uploaded'; readonly body_bytes: number })
  | (Transfer & { readonly event: 'downloaded' })
  /** `side` is where it was carried out: at the service, or on this disk. */
  | (Done & { readonly event: 'renamed'; readonly from: string; readonly side: 'local' | 'remote' })
  | (Done & { readonly event: 'deleted'; readonly side: 'local' | 'remote' })
  | (Done & { readonly event: 'directory'; readonly side: 'local' | 'remote' })
  /** Both sides changed `original`; this device's content is now at `path`. */
  | { readonly event: 'conflict'; readonly path: string; readonly original: string; readonly at: number }
  /** A long transfer: bytes so far of this file. */
  | { readonly event: 'progress'; readonly path: string; readonly bytes: number; readonly file_bytes: number }
  | { readonly event: 'online' }
  | { readonly event: 'offline'; readonly message: string }
  /** Changes are found by looking at intervals, because the system cannot watch the folder. */
  | { readonly event: 'degraded'; readonly message: string }
  /** Something is not synced for now; without a path, nothing is. */
  | { readonly event: 'error'; readonly code: string; readonly message: string; readonly path?: string }
  /** All known work is done. */
  | { readonly event: 'idle'; readonly cursor: number };

export type Report = (event: SyncEvent) => void;

export function jsonReport(output: Writable): Report {
  return (event) => void output.write(`${JSON.stringify(event)}\n`);
}

/** Short lines for people. On a terminal, progress is one line that is overwritten. */
export function humanReport(output: Writable & { readonly isTTY?: boolean }): Report {
  const live = output.isTTY === true;
  let onLive = false;
  return (event) => {
    const text = describe(event);
    if (text === undefined) return;
    const passing = event.event === 'progress' || (event.event === 'scan' && !event.done);
    if (passing && !live) return;
    output.write(`${onLive ? '\r\x1b[K' : ''}${text}${passing ? '' : '\n'}`);
    onLive = passing;
  };
}

function describe(event: SyncEvent): string | undefined {
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
    case 'progress':
      return `      ${event.path}  ${formatBytes(event.bytes)} of ${formatBytes(event.file_bytes)}`;
    case 'online':
      return 'online';
    case 'offline':
      return `offline, trying again: ${event.message}`;
    case 'degraded':
      return `looking for changes at intervals: ${event.message}`;
    case 'error':
      return `!     ${event.path === undefined ? '' : `${event.path}: `}${event.message}`;
    case 'idle':
      return 'up to date';
  }
}
