/** Transfers at once: at the start, and at most. */
const FIRST = 2;
const MOST = 8;
/** One that took less, ms, says that there is room for more at once. */
const QUICK_MS = 5_000;
/** One that took longer says that fewer at once would each be there sooner, and that less is lost when one breaks off. */
const SLOW_MS = 20_000;

/**
 * How many transfers go on at once over one channel: one more for each that finishes quickly, one less for each that is
 * slow, half as many when one fails. So a fast link is filled, and a slow one carries one at a time.
 */
export class Window {
  readonly #now: () => number;
  #size = FIRST;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param now milliseconds since any moment, by a clock that is never set */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Runs `work` when it is its turn. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#running >= this.#size) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    const started = this.#now();
    try {
      const result = await work();
      this.#learn(this.#now() - started);
      return result;
    } catch (error) {
      const wasGivenUp = error instanceof Error && error.name === 'AbortError';
      if (!wasGivenUp) this.#size = Math.max(1, Math.floor(this.#size / 2));
      throw error;
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #learn(milliseconds: number): void {
    if (milliseconds < QUICK_MS) this.#size = Math.min(MOST, this.#size + 1);
    else if (milliseconds > SLOW_MS) this.#size = Math.max(1, this.#size - 1);
  }

  #next(): void {
    for (const resume of this.#waiting.splice(0, this.#size - this.#running)) resume();
  }
}
