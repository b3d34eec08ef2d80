import { FileRefused } from './errors.ts';
import { afterStoreRefusal } from './waits.ts';

/**
 * Keeps requests from a store that refuses them (`FileRefused`, `store_refused`): after a refusal none goes out for a
 * while, then one to try, and the rest when that was taken.
 */
export class Gate {
  readonly #now: () => number;
  #refusal: FileRefused | undefined;
  #refusals = 0;
  #closedUntil = 0;
  #isTrying = false;
  #underWay = 0;

  /** @param now milliseconds since any moment, by a clock that is never set */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get isClosed(): boolean {
    return this.#refusal !== undefined;
  }

  /** Runs a request, or throws `FileRefused` `unavailable` with the words of the last refusal. */
  async pass<Result>(request: () => Promise<Result>): Promise<Result> {
    const after = this.#closedUntil - this.#now();
    if (this.#refusal && (this.#isTrying || after > 0)) {
      throw new FileRefused('unavailable', this.#refusal.message, after);
    }
    const isTrial = this.#refusal !== undefined;
    this.#isTrying ||= isTrial;
    this.#underWay++;
    try {
      const result = await request();
      this.#refusal = undefined;
      this.#refusals = 0;
      return result;
    } catch (error) {
      // Of requests that went out together the first refusal counts.
      const isRefusal = error instanceof FileRefused && error.code === 'store_refused';
      if (isRefusal && (isTrial || !this.#refusal)) this.#close(error);
      throw error;
    } finally {
      this.#underWay--;
      if (isTrial) this.#isTrying = false;
    }
  }

  #close(refusal: FileRefused): void {
    this.#refusal = refusal;
    // Those that went out with it have cost as much.
    this.#refusals += this.#underWay;
    this.#closedUntil = this.#now() + afterStoreRefusal(this.#refusals);
  }
}
