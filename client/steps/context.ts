import { createHash } from 'node:crypto';
import type { FilePool } from '../../codec/node/file-pool.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { ancestors } from '../../protocol/path.ts';
import { ClientError, diskReason, FileRefused, systemCode } from '../common/errors.ts';
import { laterEachTime } from '../common/retry.ts';
import type { BlockCache } from '../disk/block-cache.ts';
import { DiskRoom } from '../disk/disk-room.ts';
import { DiskChanged } from '../disk/stamps.ts';
import type { Report } from '../output/report.ts';
import type { Api } from '../service/api.ts';
import { ServiceError } from '../service/errors.ts';
import type { State } from '../state/state.ts';

interface Failure {
  /** Times in a row. */
  readonly count: number;
  /** What the user was told of it. */
  readonly shown: string | undefined;
  /** Milliseconds since 1970: when it is worth a call of its own. */
  readonly retryAt: number;
  /** When it may go along with others. */
  readonly mayRetryAt: number;
}

/** Answers that mean: this device's picture of the service is old. The next plan, on a new picture, decides again. */
const outdated: readonly string[] = ['stale_version', 'path_conflict', 'not_found', 'upload_gone', 'blocks_missing'];

/** Times in a row that it may be so, or that the disk may be another than the plan saw, before it is a problem. */
const QUIET_TIMES = 2;

/** What the service says to programs, in words for people. */
const words: Readonly<Record<string, string>> = {
  stale_version: 'it is changed elsewhere all the time; it follows once it rests',
  upload_gone: 'its content could not be sent whole; it is tried again',
  blocks_missing: 'its content could not be sent whole; it is tried again',
};

/** What the executors of one running sync share. */
export class Sync {
  readonly root: string;
  readonly state: State;
  readonly api: Api;
  readonly cache: BlockCache;
  readonly pool: FilePool;
  readonly room: DiskRoom;
  readonly report: Report;
  readonly device: { readonly id: string; readonly name: string };
  /** Paths in the folder that stay on this device: its configuration. */
  readonly apart: ReadonlySet<string>;
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

  constructor(options: Pick<Sync, 'root' | 'state' | 'api' | 'cache' | 'pool' | 'report' | 'device' | 'apart'>) {
    this.root = options.root;
    this.state = options.state;
    this.api = options.api;
    this.cache = options.cache;
    this.pool = options.pool;
    this.room = new DiskRoom(options.root, options.cache);
    this.report = options.report;
    this.device = options.device;
    this.apart = options.apart;
  }

  /** The disk is not as expected at `path`: a file there is read again, whatever its time stamps say. */
  lookAgain(path: string): void {
    const entry = this.state.trees.local.get(path);
    if (entry?.kind === 'file') this.state.set('local', path, { ...entry, hint: '' });
    this.unseen.add(path);
    this.dirty.add(path);
  }

  /** A step for `path` failed: it is tried again, later each time, and listed until it works. */
  fail(path: string, code: ErrorCode | 'local' | 'disk_changed', message: string): void {
    const before = this.failures.get(path);
    const count = (before?.count ?? 0) + 1;
    const isOutdated = outdated.includes(code);
    if (isOutdated) this.behind = true;
    const quiet = (isOutdated || code === 'disk_changed') && count <= QUIET_TIMES;
    const wait = quiet ? 0 : this.#jitter * laterEachTime(count);
    const now = Date.now();
    const shown = quiet ? before?.shown : (words[code] ?? message);
    this.failures.set(path, { count, shown, retryAt: now + wait, mayRetryAt: now + wait / 2 });
    this.dirty.add(path);
    if (shown === undefined || before?.shown === shown) return;
    this.state.setProblem(path, shown);
    this.report({ event: 'error', code, message: shown, path });
  }

  /** Whether a step for `path` may be tried: it did not fail, or has waited long enough to go along with others. */
  mayTry(path: string): boolean {
    const failure = this.failures.get(path);
    return failure === undefined || failure.mayRetryAt <= Date.now();
  }

  /** Notes a failure of a step that concerned all these paths. What concerns the whole sync is thrown on. */
  failEach(paths: readonly string[], error: unknown): void {
    const [code, message] = verdict(error);
    for (const path of paths) {
      if (isOfTheDisk(error)) this.lookAgain(path);
      this.fail(path, code, message);
    }
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

function isOfTheDisk(error: unknown): boolean {
  return error instanceof DiskChanged || systemCode(error) !== undefined;
}

/** What a failure says of the paths that it concerns; throws one that does not concern them alone. */
function verdict(error: unknown): [code: Parameters<Sync['fail']>[1], message: string] {
  if (error instanceof DiskChanged || systemCode(error) === 'ENOENT') {
    return ['disk_changed', 'it changes all the time; it follows once it rests'];
  }
  if (isOfTheDisk(error)) return ['local', diskReason(error)];
  if (error instanceof FileRefused) return [error.code, error.message];
  if (error instanceof ClientError && error.code === 'unsafe_path') return ['local', error.message];
  if (error instanceof ServiceError && !endsSession(error)) return [error.code, error.message];
  throw error;
}

/** Whether this device may no longer talk to the service. */
export function endsSession({ code }: ServiceError): boolean {
  return code === 'unauthorized' || code === 'device_revoked' || code === 'device_unknown';
}

export function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
