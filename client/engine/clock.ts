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
  #rescanMs = RESCAN_MS;
  #rescanAt = Date.now() + RESCAN_MS;
  #pollAt = Date.now() + POLL_MS;
  #healAt = Date.now();

  /** The folder cannot be watched: it is looked at more often from now on. */
  degrade(): void {
    this.#rescanMs = DEGRADED_RESCAN_MS;
    this.rescanned();
  }

  get rescanIsDue(): boolean {
    return Date.now() >= this.#rescanAt;
  }

  rescanned(): void {
    this.#rescanAt = Date.now() + this.#rescanMs;
  }

  get pollIsDue(): boolean {
    return Date.now() >= this.#pollAt;
  }

  polled(): void {
    this.#pollAt = Date.now() + (this.connected ? SAFETY_POLL_MS : POLL_MS);
  }

  /** Whether the hour is over; the next one begins. */
  takeHeal(): boolean {
    if (Date.now() < this.#healAt) return false;
    this.#healAt = Date.now() + HEAL_MS;
    return true;
  }

  /** Milliseconds until a look or a poll is due. */
  get rest(): number {
    return Math.min(this.#rescanAt, this.#pollAt) - Date.now();
  }
}
