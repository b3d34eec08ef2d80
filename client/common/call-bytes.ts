const KIB = 1024;
const LEAST = 32 * KIB;
/** On a line of 64 kbit/s two of them at once take 16 s of the 35 that a call may take. */
const FIRST = 64 * KIB;
/** The most that any call carries. */
export const MOST = 3584 * KIB;
/** A call of so many milliseconds holds nothing up for long, and is worth its fixed costs. */
const GOAL_MS = 2_000;
/** How much larger the next call may be at most. */
const GROWTH = 4;

/** How many bytes of content one call may carry: as many as took some two seconds lately. */
export class CallBytes {
  readonly #now: () => number;
  #most = FIRST;

  /** @param now milliseconds since any moment, by a clock that is never set */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get most(): number {
    return this.#most;
  }

  /** Whether the line carries in two seconds as much as a call ever may, or more. */
  get isWide(): boolean {
    return this.#most === MOST;
  }

  /**
   * Makes a call that carries so many bytes, and learns of how long it takes.
   * @param carried how many they were, where only the result tells
   */
  async measured<Result>(
    bytes: number,
    call: () => Promise<Result>,
    carried: (result: Result) => number = () => bytes,
  ): Promise<Result> {
    const started = this.#now();
    let moved = bytes;
    try {
      const result = await call();
      moved = carried(result);
      return result;
    } finally {
      this.#learn(moved, this.#now() - started);
    }
  }

  /** What a small call takes is mostly not for its bytes: it makes no other larger, and none much smaller. */
  #learn(bytes: number, milliseconds: number): void {
    const fitting = (bytes * GOAL_MS) / Math.max(1, milliseconds);
    if (bytes === 0) return;
    if (milliseconds > GOAL_MS) this.#set(Math.max(fitting, this.#most / 2));
    else if (2 * bytes > this.#most) this.#set(Math.min(fitting, this.#most * GROWTH));
  }

  #set(bytes: number): void {
    this.#most = Math.round(Math.min(MOST, Math.max(LEAST, bytes)));
  }
}
