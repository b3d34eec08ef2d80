import { sleep } from '../common/waits.ts';

/** Bytes that go at a time without a limit, and with the lowest one. */
const MOST_BYTES = 64 * 1024;
const LEAST_BYTES = 2 * 1024;
/** With a limit, so many parts a second: each of those that share it gets on. */
const PARTS_PER_SECOND = 16;
/** Who waits looks so often whether the limit is still the same, ms. */
const LOOK_MS = 1_000;

/**
 * Lets bytes pass no faster than a limit that may change at any moment. Those that ask have their turn in the order in
 * which they do, each for one part, so that all share what there is.
 */
export class Throttle {
  readonly #limit: () => number | undefined;
  /** The limit by which was reckoned when all that passed will have had its time (by `performance.now()`). */
  #known: number | undefined;
  #free = 0;

  /** @param limit bytes per second, `undefined` for none */
  constructor(limit: () => number | undefined) {
    this.#limit = limit;
  }

  get isLimited(): boolean {
    return this.#limit() !== undefined;
  }

  /** Bytes that should ask for their turn together. */
  get partBytes(): number {
    const limit = this.#limit() ?? Number.POSITIVE_INFINITY;
    return Math.round(Math.min(MOST_BYTES, Math.max(LEAST_BYTES, limit / PARTS_PER_SECOND)));
  }

  /**
   * Resolves when it is the turn of these bytes, or when the signal fires. A limit that changes lets go whoever waits.
   * @param onHeld told beforehand how long that will be, ms
   */
  async pass(bytes: number, signal: AbortSignal, onHeld?: (milliseconds: number) => void): Promise<void> {
    const [limit, now] = [this.#limit(), performance.now()];
    if (limit !== this.#known) this.#free = now;
    this.#known = limit;
    const turn = Math.max(now, this.#free);
    if (limit !== undefined) this.#free = turn + (1000 * bytes) / limit;
    if (turn > now) onHeld?.(turn - now);
    for (let rest = turn - now; rest > 0 && !signal.aborted; rest = turn - performance.now()) {
      await sleep(Math.min(LOOK_MS, rest), signal);
      if (this.#limit() !== limit) return;
    }
  }
}
