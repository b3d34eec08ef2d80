import type { LocalEntry } from '../plan/tree.ts';
import type { Twin } from './spelling.ts';

/** What lies at a path that is not synced. */
export interface LeftOut {
  /** As in `LocalEntry`. */
  readonly identity: string;
  readonly reason: string;
}

export interface ScanResult {
  /** Entries that are new or changed. */
  readonly found: Map<string, LocalEntry>;
  /** Paths at or below the scanned ones that exist, changed or not. */
  readonly seen: Set<string>;
  /** What is there and cannot be synced, with the reason. It has to stay out of plans, not count as deleted. */
  readonly skipped: Map<string, string>;
  /** Paths that answer with an entry of another spelling. They are not `seen`. */
  readonly twins: readonly Twin[];
  /** Files that were being written; look again later. One with a new name is in `found` with its old content. */
  readonly unstable: Set<string>;
  /** Known files whose new content was left for later. */
  readonly postponed: Set<string>;
  /** What rules leave out, and what else is not synced, under the name that it has; nothing that is inside such a directory. */
  readonly leftOut: Map<string, LeftOut>;
  readonly entries: number;
}

export function newResult() {
  return {
    found: new Map<string, LocalEntry>(),
    seen: new Set<string>(),
    skipped: new Map<string, string>(),
    unstable: new Set<string>(),
    postponed: new Set<string>(),
    leftOut: new Map<string, LeftOut>(),
    twins: [],
    entries: 0,
  };
}
