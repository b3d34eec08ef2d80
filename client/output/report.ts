import type { Writable } from 'node:stream';

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

interface Progress {
  readonly event: 'progress' | 'reading';
  readonly path: string;
  readonly bytes: number;
  readonly file_bytes: number;
}

/** What happens during a sync. `tidemark sync --json` prints each as one line. */
export type SyncEvent =
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
  /** What is about to be transferred: at most so many bytes of content, in so many files. */
  | { readonly event: 'transfers'; readonly files: number; readonly bytes: number }
  /** A long transfer, or a long look at what changed: bytes so far of this file. */
  | Progress
  | { readonly event: 'online' }
  | { readonly event: 'offline'; readonly message: string }
  /** Changes are found by looking at intervals, because the system cannot watch the folder. */
  | { readonly event: 'degraded'; readonly message: string }
  /** Something is not synced for now; without a path, nothing is. */
  | { readonly event: 'error'; readonly code: string; readonly message: string; readonly path?: string }
  /** All that can be done now is done; `left_out` paths could not be synced, links and special files not counted. */
  | { readonly event: 'idle'; readonly cursor: number; readonly left_out: number };

export type Report = (event: SyncEvent) => void;

export function jsonReport(output: Writable): Report {
  return (event) => void output.write(`${JSON.stringify(event)}\n`);
}
