import { createHash } from 'node:crypto';
import type { FilePool } from '../codec/node/file-pool.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { Api } from './api.ts';
import { ServiceError } from './api-errors.ts';
import type { BlockCache } from './block-cache.ts';
import { messageOf, systemCode } from './errors.ts';
import type { Report } from './report.ts';
import type { State } from './state.ts';
import { ancestors } from './tree.ts';
import { DiskChanged } from './write-file.ts';

interface Failure {
  readonly count: number;
  readonly message: string;
  /** Milliseconds since 1970: when it is worth a call of its own. */
  readonly retryAt: number;
  /** When it may go along with others. */
  readonly mayRetryAt: number;
}

/** First wait of a path that failed, and the longest; it doubles in between. */
const RETRY_FIRST_MS = 1000;
const RETRY_MOST_MS = 60_000;

/** Answers that mean: this device's picture of the service is old. The next plan, on a new picture, decides again. */
const outdated: readonly string[] = ['stale_version', 'path_conflict', 'not_found', 'upload_gone', 'blocks_missing'];

/** What the executors of one running sync share. */
export class Sync {
  readonly root: string;
  readonly state: State;
  readonly api: Api;
  readonly cache: BlockCache;
  readonly pool: FilePool;
  readonly report: Report;
  readonly device: { readonly id: string; readonly name: string };
  /** Paths to plan. */
  readonly dirty = new Set<string>();
  /** Paths to look at on the disk. */
  readonly unseen = new Set<string>();
  readonly failures = new Map<string, Failure>();
  /** When a change at a path was first noticed, milliseconds since 1970. */
  readonly noticed = new Map<string, number>();
  /** Renames that the service refused. */
  readonly unmovable = new Set<string>();
  /** Versions of deletions by other devices that this disk has not followed yet. */
  readonly tombstones = new Map<string, number>();
  /** Whether the changes have to be read. */
  behind = true;
  /** One factor for all waits: paths that failed in one call come back in one call, and no two devices keep step. */
  readonly #jitter = 0.5 + Math.random() / 2;

  constructor(options: Pick<Sync, 'root' | 'state' | 'api' | 'cache' | 'pool' | 'report' | 'device'>) {
    this.root = options.root;
    this.state = options.state;
    this.api = options.api;
    this.cache = options.cache;
    this.pool = options.pool;
    this.report = options.report;
    this.device = options.device;
  }

  /** The disk is not as expected at `path`: a file there is read again, whatever its time stamps say. */
  lookAgain(path: string): void {
    const entry = this.state.trees.local.get(path);
    if (entry?.kind === 'file') this.state.set('local', path, { ...entry, hint: '' });
    this.unseen.add(path);
    this.dirty.add(path);
  }

  /** A step for `path` failed: it is tried again, later each time, and listed until it works. */
  fail(path: string, code: ErrorCode | 'local', message: string): void {
    const before = this.failures.get(path);
    const count = (before?.count ?? 0) + 1;
    const isOutdated = outdated.includes(code);
    if (isOutdated) this.behind = true;
    const quiet = isOutdated && count <= 2;
    const wait = quiet ? 0 : this.#jitter * Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** (count - 1));
    const now = Date.now();
    this.failures.set(path, { count, message, retryAt: now + wait, mayRetryAt: now + wait / 2 });
    this.dirty.add(path);
    if (quiet || before?.message === message) return;
    this.state.setProblem(path, message);
    this.report({ event: 'error', code, message, path });
  }

  /** Whether a step for `path` may be tried: it did not fail, or has waited long enough to go along with others. */
  mayTry(path: string): boolean {
    const failure = this.failures.get(path);
    return failure === undefined || failure.mayRetryAt <= Date.now();
  }

  /** Notes a failure of a step that concerned all these paths. What concerns the whole sync is thrown on. */
  failEach(paths: readonly string[], error: unknown): void {
    if (error instanceof DiskChanged || systemCode(error) !== undefined) {
      for (const path of paths) this.lookAgain(path);
      if (error instanceof DiskChanged || systemCode(error) === 'ENOENT') return;
      for (const path of paths) this.fail(path, 'local', messageOf(error));
      return;
    }
    if (!(error instanceof ServiceError) || endsSession(error)) throw error;
    for (const path of paths) this.fail(path, error.code, error.message);
  }

  /** `path` is done: both sides agree on it. */
  succeed(path: string): void {
    this.noticed.delete(path);
    if (this.failures.delete(path)) this.state.clearProblem(path);
  }

  /** A new directory is noticed together with what is inside it. */
  noticedAt(path: string): { noticed_at?: number } {
    const noticed = [path, ...ancestors(path)].find((candidate) => this.noticed.has(candidate));
    return noticed === undefined ? {} : { noticed_at: this.noticed.get(noticed)! };
  }

  /**
   * Takes over the cursors of this device's own commits. When they do not follow on the last one known, another device
   * was in between, and the changes have to be read.
   */
  advance(cursors: readonly number[]): void {
    let cursor = this.state.cursor;
    for (const next of [...cursors].sort((one, other) => one - other)) {
      if (next <= cursor) continue;
      if (next !== cursor + 1) {
        this.behind = true;
        break;
      }
      cursor = next;
    }
    this.state.setFact('cursor', String(cursor));
  }
}

/** Whether this device may no longer talk to the service. */
export function endsSession({ code }: ServiceError): boolean {
  return code === 'unauthorized' || code === 'device_revoked' || code === 'device_unknown';
}

export function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
