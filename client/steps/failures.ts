import { type ErrorCode, errorStatus } from '../../protocol/errors.ts';
import { afterPathFailure, afterStoreRefusal } from '../common/waits.ts';
import type { Report } from '../output/report.ts';
import type { State } from '../state/state.ts';
import { classify, type FailureCode } from './classify.ts';
import type { Notices } from './notices.ts';
import { meaningOf } from './refusals.ts';

interface Failure {
  readonly code: FailureCode;
  /** Times in a row. */
  readonly count: number;
  /** What the user was told of it. */
  readonly shown: string | undefined;
  /** By the clock of the failures: when it is worth a call of its own. */
  readonly retryAt: number;
  /** When it may go along with others. */
  readonly mayRetryAt: number;
}

/** Times in a row that it may be so, or that the disk may be another than the plan saw, before it is a problem. */
const QUIET_TIMES = 2;

/** What the service says to programs, in words for people. */
const words: Readonly<Record<string, string>> = {
  stale_version: 'it is changed elsewhere all the time; it follows once it rests',
  upload_gone: 'its content could not be sent whole; it is tried again',
  blocks_missing: 'its content could not be sent whole; it is tried again',
};

interface FailuresOptions {
  readonly state: Pick<State, 'setProblem' | 'clearProblem'>;
  readonly notices: Pick<Notices, 'lookAgain' | 'replan' | 'readChanges'>;
  readonly report: Report;
  /** Told of each path on which both sides agree. */
  readonly onAgreed: (path: string) => void;
  /** Milliseconds since any moment, by a clock that is never set. */
  readonly now?: () => number;
}

/** The paths that could not be synced: each is tried again, later each time, and listed until it works. */
export class Failures {
  readonly #options: FailuresOptions;
  readonly #now: () => number;
  readonly #byPath = new Map<string, Failure>();
  /** One factor for all waits: paths that failed in one call come back in one call, and no two devices keep step. */
  readonly #jitter = 0.5 + Math.random() / 2;

  constructor(options: FailuresOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * A step for `path` failed.
   * @param after milliseconds that it waits at least
   */
  fail(path: string, code: FailureCode, message: string, after = 0): void {
    const { state, notices, report } = this.#options;
    const before = this.#byPath.get(path);
    const count = (before?.count ?? 0) + 1;
    const isOutdated = isErrorCode(code) && meaningOf(code) === 'outdated';
    if (isOutdated) notices.readChanges();
    const quiet = (isOutdated || code === 'disk_changed') && count <= QUIET_TIMES;
    const growing = code === 'store_refused' ? afterStoreRefusal(count) : afterPathFailure(count);
    const wait = quiet ? 0 : Math.max(after, this.#jitter * growing);
    const now = this.#now();
    const shown = quiet ? before?.shown : (words[code] ?? message);
    this.#byPath.set(path, { code, count, shown, retryAt: now + wait, mayRetryAt: now + Math.max(after, wait / 2) });
    notices.replan(path);
    if (shown === undefined || before?.shown === shown) return;
    state.setProblem(path, shown);
    report({ event: 'error', code, message: shown, path });
  }

  /** Notes a failure of a step that concerned all these paths. What concerns the whole sync is thrown on. */
  failEach(paths: readonly string[], error: unknown): void {
    const verdict = classify(error);
    if (verdict.concerns === 'sync') throw error;
    for (const path of paths) {
      if (verdict.concerns === 'look-again') this.#options.notices.lookAgain(path);
      this.fail(path, verdict.code, verdict.message, 'after' in verdict ? verdict.after : 0);
    }
  }

  /** Runs one step; what concerns its paths alone is noted at the paths, and everything else is thrown. */
  async attempt(paths: readonly string[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.failEach(paths, error);
    }
  }

  /** `path` is done: both sides agree on it. */
  succeed(path: string): void {
    this.#options.onAgreed(path);
    if (this.#byPath.delete(path)) this.#options.state.clearProblem(path);
  }

  /** What failed by one of these codes is due: its cause may be gone. */
  retryNow(...codes: readonly FailureCode[]): void {
    const now = this.#now();
    for (const [path, failure] of this.#byPath) {
      if (codes.includes(failure.code)) this.#byPath.set(path, { ...failure, retryAt: now, mayRetryAt: now });
    }
  }

  /** Whether a step for `path` may be tried: it did not fail, or has waited long enough to go along with others. */
  mayTry(path: string): boolean {
    const failure = this.#byPath.get(path);
    return failure === undefined || failure.mayRetryAt <= this.#now();
  }

  /** How often in a row steps for `path` failed. */
  countAt(path: string): number {
    return this.#byPath.get(path)?.count ?? 0;
  }

  /** The paths that failed and did not succeed since. */
  get paths(): string[] {
    return [...this.#byPath.keys()];
  }

  get size(): number {
    return this.#byPath.size;
  }

  /**
   * Milliseconds until the first of them is worth a call of its own; infinite without any.
   * @param isBusy of which paths there will be news without a call
   */
  untilRetry(isBusy: (path: string) => boolean = () => false): number {
    let first = Number.POSITIVE_INFINITY;
    for (const [path, { retryAt }] of this.#byPath) if (!isBusy(path)) first = Math.min(first, retryAt);
    return Math.max(0, first - this.#now());
  }
}

function isErrorCode(code: FailureCode): code is ErrorCode {
  return Object.hasOwn(errorStatus, code);
}
