import { AsyncLocalStorage } from 'node:async_hooks';

/** What a timer needs of its time. */
export interface TimerQueue {
  readonly now: () => number;
  readonly add: (timer: InjectedTimer) => void;
  readonly remove: (timer: InjectedTimer) => void;
}

/** The longest delay that Node knows, ms; it takes what is longer, or none, for 1. */
const LONGEST_MS = 2 ** 31 - 1;

/** A timer by an injected time, with what of Node's timers the client and its libraries use. */
export class InjectedTimer {
  /** When it is due, by its time. */
  at = 0;
  readonly #queue: TimerQueue;
  readonly #work: () => void;
  readonly #milliseconds: number;
  readonly #isRepeated: boolean;
  #isCleared = false;

  constructor(
    queue: TimerQueue,
    work: () => void,
    { milliseconds, isRepeated }: { readonly milliseconds: number; readonly isRepeated: boolean },
  ) {
    this.#queue = queue;
    this.#work = AsyncLocalStorage.bind(work);
    this.#milliseconds = milliseconds >= 1 && milliseconds <= LONGEST_MS ? milliseconds : 1;
    this.#isRepeated = isRepeated;
    this.refresh();
  }

  fire(): void {
    if (this.#isRepeated) this.refresh();
    else this.#queue.remove(this);
    this.#work();
  }

  /** Counts from now on, also when it has fired. */
  refresh(): this {
    if (this.#isCleared) return this;
    this.at = this.#queue.now() + this.#milliseconds;
    this.#queue.add(this);
    return this;
  }

  clear(): void {
    this.#isCleared = true;
    this.#queue.remove(this);
  }

  /** No process ends while time is injected. */
  unref(): this {
    return this;
  }
}
