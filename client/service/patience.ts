/** A time that something may take, without that for which this device itself holds it back. */
export class Patience {
  readonly #onEnd: () => void;
  /** By `performance.now()`. */
  #end: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number, onEnd: () => void) {
    this.#onEnd = onEnd;
    this.#end = performance.now() + milliseconds;
    this.hold(0);
  }

  /** It is held back for so long. */
  hold(milliseconds: number): void {
    this.#end += milliseconds;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onEnd, Math.max(0, this.#end - performance.now()));
  }

  /** It is over. */
  over(): void {
    clearTimeout(this.#timer);
  }
}
