import { DeadConnection, SILENT_MS } from './connections.ts';

/** A transfer of which no byte moved for so long, ms, is broken; one that is slow goes on for as long as it takes. */
const IDLE_MS = 20_000;

/** Ends what does not move. */
export class IdleLimit {
  readonly #end = new AbortController();
  readonly #dead: AbortSignal;
  #movedAt = performance.now();
  #more = 0;
  /** Whether the timer runs as long as after any movement, from the last one on. */
  #isUsual = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param dead fires when its connection is taken for dead: then it is, unless something moved lately */
  constructor(dead: AbortSignal) {
    this.#dead = dead;
    dead.addEventListener('abort', this.#doubt, { once: true });
    this.moved();
  }

  /** Fires when nothing moved for too long; its reason says so, by a `DeadConnection` if that was the cause. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /**
   * Has to cost little: a body comes in parts of 16 KiB.
   * @param more milliseconds beyond the limit that the next movement may take
   */
  moved(more = 0): void {
    this.#movedAt = performance.now();
    if (more === 0 && this.#isUsual) {
      this.#timer?.refresh();
      return;
    }
    this.#more = 0;
    this.hold(more);
    this.#isUsual = more === 0;
  }

  /** This device itself holds the next movement back for so long, ms. */
  hold(milliseconds: number): void {
    this.#more += milliseconds;
    const seconds = Math.round((IDLE_MS + this.#more) / 1000);
    this.#endAfter(IDLE_MS, () => new Error(`nothing moved for ${seconds} s`));
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#dead.removeEventListener('abort', this.#doubt);
  }

  /** What moved after the connections were last asked for a sign of life has given one. */
  readonly #doubt = (): void => {
    this.#endAfter(SILENT_MS, () => new DeadConnection('the network is another one'));
  };

  #endAfter(milliseconds: number, reason: () => Error): void {
    this.#isUsual = false;
    clearTimeout(this.#timer);
    const left = this.#movedAt + milliseconds + this.#more - performance.now();
    this.#timer = setTimeout(() => this.#end.abort(reason()), Math.max(0, left));
  }
}
