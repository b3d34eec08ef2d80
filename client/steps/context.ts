/**
 * The steps carry out the operations of a plan, on the disk and at the service. This is what they share in one running
 * sync; each names in its signature the part of it that it works on.
 */

import type { FilePool } from '../../codec/node/file-pool.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import type { SentSoFar } from '../../protocol/socket.ts';
import type { BlockCache } from '../disk/block-cache.ts';
import { DiskRoom } from '../disk/disk-room.ts';
import { Snapshots } from '../disk/snapshots.ts';
import type { Report } from '../output/report.ts';
import type { Api } from '../service/api.ts';
import type { State } from '../state/state.ts';
import { ContentsAtHand } from './contents-at-hand.ts';
import { OwnCursors } from './cursor.ts';
import { Failures } from './failures.ts';
import { Fetches } from './fetches.ts';
import { Notices } from './notices.ts';
import { SmallCalls } from './small-calls.ts';

export interface SyncOptions {
  /** Absolute. */
  readonly root: string;
  readonly state: State;
  readonly api: Api;
  readonly cache: BlockCache;
  readonly pool: FilePool;
  readonly report: Report;
  readonly device: { readonly id: string; readonly name: string };
  /** Tells the user's other devices, if they listen, how much of a file is sent. */
  readonly tell: (message: SentSoFar) => void;
  /** Paths in the folder that stay on this device: its configuration. */
  readonly apart: ReadonlySet<string>;
}

export interface Sync extends SyncOptions {
  readonly room: DiskRoom;
  readonly snapshots: Snapshots;
  readonly notices: Notices;
  readonly cursors: OwnCursors;
  readonly atHand: ContentsAtHand;
  readonly failures: Failures;
  /** What is known of the calls that bring small content. */
  readonly saves: SmallCalls;
  /** The same of those that fetch it. */
  readonly fetches: Fetches;
  /** Both ends of renames that the service refused, until both sides agree on them. */
  readonly unmovable: Set<string>;
  /** Versions of deletions by other devices that this disk has not followed yet. */
  readonly tombstones: Map<string, number>;
}

/** A change of another device that this disk followed. */
type Arrival = Extract<SyncEvent, { version: number }>;

function arrives(event: SyncEvent): event is Arrival {
  return event.event === 'downloaded' || ('side' in event && event.side === 'local');
}

export function createSync(options: SyncOptions): Sync {
  const { root, state, cache } = options;
  const notices = new Notices(state);
  const report: Report = (event) =>
    options.report(arrives(event) ? { ...event, ...notices.authorOf(event.path) } : event);
  const [unmovable, tombstones] = [new Set<string>(), new Map<string, number>()];
  const onAgreed = (path: string): void => {
    notices.agreed(path);
    unmovable.delete(path);
    tombstones.delete(path);
  };
  return {
    ...options,
    report,
    room: new DiskRoom(root, cache),
    snapshots: new Snapshots(root),
    notices,
    cursors: new OwnCursors(),
    atHand: new ContentsAtHand(),
    failures: new Failures({ state, notices, report, onAgreed }),
    unmovable,
    tombstones,
    saves: new SmallCalls(),
    fetches: new Fetches(),
  };
}
