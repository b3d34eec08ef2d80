/**
 * Changes are read this often while no push can arrive, this often while nobody says whether all have arrived, and this
 * often in any case.
 */
const POLL_MS = 60_000;
const SAFETY_POLL_MS = 10 * 60_000;
const LONGEST_POLL_MS = 2 * 60 * 60_000;
/**
 * The whole folder is looked at, watched or not, since some writes give no event: every minute, or less often so that it
 * takes at most these shares of the time, at rest and after something happened; every ten minutes in any case. A folder
 * that cannot be watched is looked at every ten seconds.
 */
const RESCAN_MS = 60_000;
const RESCAN_MOST_MS = 10 * 60_000;
const SHARE_AT_REST = 1 / 200;
const SHARE_WHEN_STIRRED = 1 / 20;
const DEGRADED_RESCAN_MS = 10_000;
/** The service is asked at most this often whether it has lost blocks. */
const HEAL_MS = 60 * 60_000;

/** When that which is done at intervals is due. */
export class Clock {
  /** Whether pushes arrive. */
  connected = false;
  readonly #now: () => number;
  #degraded = false;
  #lookedAt: number;
  #lookTook = 0;
  #stirred = false;
  #polledAt: number;
  #pollAt: number;
  #healAt: number;

  /** @param now milliseconds since any moment, by a clock that is never set: an interval stays what it is */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#lookedAt = now();
    this.#polledAt = now();
    this.#pollAt = now() + POLL_MS;
    this.#healAt = now();
  }

  /** The folder cannot be watched: it is looked at more often from now on. */
  degrade(): void {
    this.#degraded = true;
    this.#lookedAt = this.#now();
  }

  get rescanIsDue(): boolean {
    return this.#now() >= this.#rescanAt;
  }

  /** The whole folder was looked at just now, which took these milliseconds. */
  rescanned(took: number): void {
    this.#lookedAt = this.#now();
    this.#lookTook = took;
    this.#stirred = false;
  }

  /** Something happened in the folder. */
  stirred(): void {
    this.#stirred = true;
  }

  get #rescanAt(): number {
    if (this.#degraded) return this.#lookedAt + DEGRADED_RESCAN_MS;
    const wait = this.#lookTook / (this.#stirred ? SHARE_WHEN_STIRRED : SHARE_AT_REST);
    return this.#lookedAt + Math.min(RESCAN_MOST_MS, Math.max(RESCAN_MS, wait));
  }

  get pollIsDue(): boolean {
    return this.#now() >= this.#pollAt;
  }

  polled(): void {
    this.#polledAt = this.#now();
    this.#pollAt = this.#polledAt + (this.connected ? SAFETY_POLL_MS : POLL_MS);
  }

  /** The service says that all pushes have arrived. */
  heardAll(): void {
    this.#pollAt = Math.min(this.#now() + SAFETY_POLL_MS, this.#polledAt + LONGEST_POLL_MS);
  }

  /** Whether the hour is over; the next one begins. */
  takeHeal(): boolean {
    if (this.#now() < this.#healAt) return false;
    this.#healAt = this.#now() + HEAL_MS;
    return true;
  }

  /** Milliseconds until a look or a poll is due. */
  get untilDue(): number {
    return Math.min(this.#rescanAt, this.#pollAt) - this.#now();
  }
}
