/** A time that something may take, without that for which this device itself holds it back. */
export class Patience {
  readonly #onEnd: () => void;
  /** By `performance.now()`. */
  #end: number;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(milliseconds: number, onEnd: () => void) {
    this.#onEnd = onEnd;
    this.#end = performance.now() + milliseconds;
    this.hold(0);
  }

  /** It is held back for so long; which says nothing any more once it is over. */
  hold(milliseconds: number): void {
    if (this.#isOver) return;
    this.#end += milliseconds;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#giveUp(), Math.max(0, this.#end - performance.now()));
  }

  /** It is over. */
  over(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #giveUp(): void {
    this.over();
    this.#onEnd();
  }
}
