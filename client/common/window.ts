/** Transfers at once: at the start, and at most. */
const FIRST = 2;
const MOST = 8;
/** One that took less, ms, says that there may be room for more at once. */
const QUICK_MS = 5_000;
/** One that took longer says that fewer at once would each be there sooner, and that less is lost when one breaks off. */
const SLOW_MS = 20_000;
/** More at once are worth it if all of them together gain so much of what they would on a link that is not full. */
const GAIN = 0.5;
/** Looks at how fast all are until it is tried again whether more bring more. */
const REST = 8;
/** A transfer says how fast all are if it had so much of the company that it may have. */
const COMPANY = 0.75;

/** After one of known size the next begins so much later, ms, while the channel is not known; and no more than that. */
const APART_MS = 300;
const MOST_APART_MS = 500;

/**
 * How many transfers go on at once over one channel. Twice as many are tried as long as transfers are quick, and kept
 * where all of them together are faster then, as over a long way: where the link is full each would only be there later,
 * and what else passes it would have less of it. One less for each that is slow, half as many when one fails.
 */
export class Window {
  readonly #now: () => number;
  /** Bytes per millisecond of all of them, as the last one saw it. */
  #rate: number | undefined;
  /** Before that none begins while another goes on. */
  #nextAt = 0;
  #size = FIRST;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  /** Milliseconds that transfers took until `#since`, all of them together. */
  #taken = 0;
  #since = 0;
  /** What the last transfers, and those beside them, moved while they went on. */
  #seen: { readonly bytes: number; readonly milliseconds: number }[] = [];
  /** How many went on before, and the bytes per millisecond of all of them, while it is tried whether more bring more. */
  #before: { readonly size: number; readonly all: number } | undefined;
  #rest = 0;

  /** @param now milliseconds since any moment, by a clock that is never set */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Runs `work` when it is its turn.
   * @param moved the bytes that crossed the wire by it
   * @param bytes that it will move, where the next one is to begin when about half of them have: those that begin
   * together end together, and whoever takes them from there would have nothing to do until then
   */
  async run<Result>(work: () => Promise<Result>, moved: (result: Result) => number, bytes = 0): Promise<Result> {
    while (!this.#mayBegin()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const [started, before] = [this.#now(), this.#count(1)];
    this.#nextAt = started + this.#apart(bytes);
    try {
      const result = await work();
      const milliseconds = Math.max(1, this.#now() - started);
      this.#learn(moved(result), milliseconds, (this.#count(0) - before) / milliseconds);
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

  /** Who may not is resumed when that may be otherwise. */
  #mayBegin(): boolean {
    if (this.#running >= this.#size) return false;
    const early = this.#running === 0 ? 0 : this.#nextAt - this.#now();
    if (early > 0) setTimeout(() => this.#next(), early);
    return early <= 0;
  }

  #apart(bytes: number): number {
    if (bytes === 0) return 0;
    return this.#rate === undefined ? APART_MS : Math.min(MOST_APART_MS, bytes / (2 * this.#rate));
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
    if (bytes === 0) return;
    const all = bytes * atOnce;
    this.#rate = all / milliseconds;
    const isQuick = milliseconds < QUICK_MS;
    if (milliseconds > SLOW_MS) this.#resize(Math.max(1, this.#size - 1));
    else if (isQuick && this.#size < FIRST) this.#resize(FIRST);
    else if (atOnce >= COMPANY * this.#size) {
      this.#seen.push({ bytes: all, milliseconds });
      if (this.#seen.length >= this.#size) this.#judge(isQuick);
    }
  }

  /** Takes as many at once as bring something, once enough of them have been seen. */
  #judge(isQuick: boolean): void {
    const sum = (of: 'bytes' | 'milliseconds'): number => this.#seen.reduce((all, each) => all + each[of], 0);
    const all = sum('bytes') / sum('milliseconds');
    this.#seen = [];
    const before = this.#before;
    if (before && all < before.all * (1 + GAIN * (this.#size / before.size - 1))) {
      this.#resize(before.size);
      this.#rest = REST;
    } else if (this.#rest > 0) this.#rest--;
    else if (isQuick && this.#size < MOST) {
      const size = this.#size;
      this.#resize(Math.min(MOST, 2 * size));
      this.#before = { size, all };
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
