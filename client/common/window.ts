/** Transfers at once: at the start, and at most. */
const FIRST = 2;
const MOST = 8;
/** One that took less, ms, says that there may be room for more at once. */
const QUICK_MS = 5_000;
/** One that took longer says that fewer at once would each be there sooner, and that less is lost when one breaks off. */
const SLOW_MS = 20_000;
/** Twice as many at once are worth it if all of them together are so many times as fast. */
const GAIN = 1.5;
/** Looks at how fast all are until it is tried again whether more bring more. */
const REST = 8;
/** A transfer says how fast all are if it had so much of the company that it may have. */
const COMPANY = 0.75;

/**
 * How many transfers go on at once over one channel. Twice as many are tried as long as transfers are quick, and kept
 * where all of them together are faster then, as over a long way: where the link is full each would only be there later,
 * and what else passes it would have less of it. One less for each that is slow, half as many when one fails.
 */
export class Window {
  readonly #now: () => number;
  #size = FIRST;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  /** Milliseconds that transfers took until `#since`, all of them together. */
  #taken = 0;
  #since = 0;
  /** Bytes per millisecond of all at once, as each of the last transfers saw them. */
  #seen: number[] = [];
  /** The same with half as many at once, while it is tried whether more bring more. */
  #before: number | undefined;
  #rest = 0;

  /** @param now milliseconds since any moment, by a clock that is never set */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Runs `work` when it is its turn, which transfers so many bytes. */
  async run<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
    while (this.#running >= this.#size) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const [started, before] = [this.#now(), this.#count(1)];
    try {
      const result = await work();
      const milliseconds = Math.max(1, this.#now() - started);
      this.#learn(bytes, milliseconds, (this.#count(0) - before) / milliseconds);
      return result;
    } catch (error) {
      const wasGivenUp = error instanceof Error && error.name === 'AbortError';
      if (!wasGivenUp) this.#resize(Math.max(1, Math.floor(this.#size / 2)));
      throw error;
    } finally {
      this.#count(-1);
      this.#next();
    }
  }

  /** Notes that so many more transfers are under way; returns the milliseconds that all have taken so far. */
  #count(more: number): number {
    const now = this.#now();
    this.#taken += this.#running * (now - this.#since);
    this.#since = now;
    this.#running += more;
    return this.#taken;
  }

  /** @param atOnce transfers that were under way meanwhile, on average */
  #learn(bytes: number, milliseconds: number, atOnce: number): void {
    const isQuick = milliseconds < QUICK_MS;
    if (milliseconds > SLOW_MS) this.#resize(Math.max(1, this.#size - 1));
    else if (isQuick && this.#size < FIRST) this.#resize(FIRST);
    else if (atOnce >= COMPANY * this.#size) {
      this.#seen.push((bytes / milliseconds) * atOnce);
      if (this.#seen.length >= this.#size) this.#judge(isQuick);
    }
  }

  /** Takes as many at once as bring something, once enough of them have been seen. */
  #judge(isQuick: boolean): void {
    const all = this.#seen.reduce((sum, each) => sum + each, 0) / this.#seen.length;
    this.#seen = [];
    if (this.#before !== undefined && all < GAIN * this.#before) {
      this.#resize(this.#size / 2);
      this.#rest = REST;
    } else if (this.#rest > 0) this.#rest--;
    else if (isQuick && this.#size < MOST) {
      this.#resize(Math.min(MOST, 2 * this.#size));
      this.#before = all;
    } else this.#before = undefined;
  }

  #resize(size: number): void {
    this.#size = size;
    this.#seen = [];
    this.#before = undefined;
  }

  #next(): void {
    for (const resume of this.#waiting.splice(0, this.#size - this.#running)) resume();
  }
}
