import type { LocalEntry } from '../plan/tree.ts';
import { HeldTrees } from '../state/held-trees.ts';
import { pack } from '../state/packed-row.ts';
import type { Twin } from './spelling.ts';

/** What lies at a path that is not synced. */
export interface LeftOut {
  /** As in `LocalEntry`. */
  readonly identity: string;
  readonly reason: string;
}

export interface ScanResult {
  /** Entries that are new or changed. */
  readonly found: ReadonlyMap<string, LocalEntry>;
  /** Puts an entry into `found`, or takes it out. */
  readonly find: (path: string, entry: LocalEntry | undefined) => void;
  /** Paths at or below the scanned ones that exist, changed or not. */
  readonly seen: Set<string>;
  /** What is there and cannot be synced, with the reason. It has to stay out of plans, not count as deleted. */
  readonly skipped: Map<string, string>;
  /** Paths that answer with an entry of another spelling. They are not `seen`. */
  readonly twins: readonly Twin[];
  /** Files that were being written; look again later. One with a new name is in `found` with its old content. */
  readonly unstable: Set<string>;
  /** Files that are being read beside the looks; one with a new name is in `found` with its old content. */
  readonly beingRead: Set<string>;
  /** Known files whose new content was left for later. */
  readonly postponed: Set<string>;
  /** What rules leave out, and what else is not synced, under the name that it has; nothing that is inside such a directory. */
  readonly leftOut: Map<string, LeftOut>;
  readonly entries: number;
}

export function newResult() {
  const held = new HeldTrees();
  return {
    found: held.local,
    find: (path: string, entry: LocalEntry | undefined) => held.hold(path, pack({ local: entry })),
    seen: new Set<string>(),
    skipped: new Map<string, string>(),
    unstable: new Set<string>(),
    beingRead: new Set<string>(),
    postponed: new Set<string>(),
    leftOut: new Map<string, LeftOut>(),
    twins: [],
    entries: 0,
  };
}
