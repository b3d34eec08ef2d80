import type { Counters } from '../counters.ts';
import type { Link } from '../link/link.ts';

/** Two folders that a tool keeps identical; changes are made in the first. */
export interface Session {
  readonly folders: readonly [string, string];
  /** What the tool has used so far. */
  counters(): Promise<Counters>;
  /** The most memory of each of its devices since the last call, in bytes. */
  memory(): Counters;
  /** Makes the folders identical; a tool that watches them has none. */
  sync?(): Promise<void>;
}

/** Where and how a tool runs. */
export interface Ground {
  /** An empty folder of its own. */
  readonly folder: string;
  /** What the devices are behind; without one they are as near as this machine is. */
  readonly link: Link | undefined;
  /** What has to be stopped at the end. */
  readonly undo: AsyncDisposableStack;
  /** Aborted when what runs here is to end before its time. */
  readonly signal: AbortSignal;
  /** Aborts it for a reason: a process that ended by itself. */
  fail(reason: Error): void;
}

export interface Tool {
  readonly name: string;
  /** Whether it can work through a link. */
  readonly remote: boolean;
  /** Prepares what all sessions share; each of them gets a ground of its own. */
  open(ground: Ground): Promise<(ground: Ground) => Promise<Session>>;
}
