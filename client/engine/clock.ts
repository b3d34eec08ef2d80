/** Changes are read this often while no push can arrive, and this often in any case. */
const POLL_MS = 60_000;
const SAFETY_POLL_MS = 10 * 60_000;
/** The whole folder is looked at this often, watched or not; and this often when it cannot be watched. */
const RESCAN_MS = 10 * 60_000;
const DEGRADED_RESCAN_MS = 10_000;
/** The service is asked this often whether it has lost blocks. */
const HEAL_MS = 60 * 60_000;

/** When that which is done at intervals is due. */
export class Clock {
  /** Whether pushes arrive. */
  connected = false;
  readonly #now: () => number;
  #rescanMs = RESCAN_MS;
  #rescanAt: number;
  #pollAt: number;
  #healAt: number;

  /** @param now milliseconds since any moment, by a clock that is never set: an interval stays what it is */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#rescanAt = now() + RESCAN_MS;
    this.#pollAt = now() + POLL_MS;
    this.#healAt = now();
  }

  /** The folder cannot be watched: it is looked at more often from now on. */
  degrade(): void {
    this.#rescanMs = DEGRADED_RESCAN_MS;
    this.rescanned();
  }

  get rescanIsDue(): boolean {
    return this.#now() >= this.#rescanAt;
  }

  rescanned(): void {
    this.#rescanAt = this.#now() + this.#rescanMs;
  }

  get pollIsDue(): boolean {
    return this.#now() >= this.#pollAt;
  }

  polled(): void {
    this.#pollAt = this.#now() + (this.connected ? SAFETY_POLL_MS : POLL_MS);
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
