import { AsyncLocalStorage } from 'node:async_hooks';

/** What a timer needs of its time. */
export interface TimerQueue {
  readonly now: () => number;
  readonly add: (timer: InjectedTimer) => void;
  readonly remove: (timer: InjectedTimer) => void;
}

/** A timer by an injected time, with what of Node's the client and its libraries use. */
export class InjectedTimer {
  /** When it is due, by its time. */
  at = 0;
  readonly #queue: TimerQueue;
  readonly #work: () => void;
  readonly #milliseconds: number;
  readonly #isRepeated: boolean;

  constructor(
    queue: TimerQueue,
    work: () => void,
    { milliseconds, isRepeated }: { readonly milliseconds: number; readonly isRepeated: boolean },
  ) {
    this.#queue = queue;
    this.#work = AsyncLocalStorage.bind(work);
    // As Node has it, which takes a delay of 0 for one of 1.
    this.#milliseconds = Math.max(1, milliseconds);
    this.#isRepeated = isRepeated;
    this.refresh();
  }

  fire(): void {
    if (this.#isRepeated) this.refresh();
    else this.close();
    this.#work();
  }

  refresh(): this {
    this.at = this.#queue.now() + this.#milliseconds;
    this.#queue.add(this);
    return this;
  }

  close(): this {
    this.#queue.remove(this);
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}
