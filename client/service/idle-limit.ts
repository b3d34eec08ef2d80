/** A transfer of which no byte moved for so long, ms, is broken; one that is slow goes on for as long as it takes. */
const IDLE_MS = 20_000;

/** Ends what does not move: calls `onIdle` once no movement was noted for the limit. */
export class IdleLimit {
  readonly #onIdle: (error: Error) => void;
  #timer: NodeJS.Timeout;

  constructor(onIdle: (error: Error) => void) {
    this.#onIdle = onIdle;
    this.#timer = this.#start(0);
  }

  /** @param more milliseconds beyond the limit that the next movement may take */
  moved(more = 0): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start(more);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #start(more: number): NodeJS.Timeout {
    const seconds = Math.round((IDLE_MS + more) / 1000);
    return setTimeout(() => this.#onIdle(new Error(`nothing moved for ${seconds} s`)), IDLE_MS + more);
  }
}
