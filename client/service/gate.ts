import { FileRefused } from '../common/errors.ts';
import { TryAgain } from '../common/retry.ts';
import { afterStoreRefusal } from '../common/waits.ts';
import { StoreUnreachable } from './errors.ts';

interface GateOptions {
  /** Milliseconds since any moment, by a clock that is never set. */
  readonly now?: () => number;
  /** Called when a request goes well again after one that was refused or not answered. */
  readonly onBack?: () => void;
}

/**
 * Keeps requests from a store that refuses them (`FileRefused`, `store_refused`): after a refusal none goes out for a
 * while, then one to try, and the rest when that was taken.
 */
export class Gate {
  readonly #now: () => number;
  readonly #onBack: () => void;
  /** Whether the last request that says so was refused or not answered. */
  #isDown = false;
  #refusal: FileRefused | undefined;
  #refusals = 0;
  #closedUntil = 0;
  #isTrying = false;
  #underWay = 0;

  constructor({ now = () => performance.now(), onBack = () => undefined }: GateOptions = {}) {
    this.#now = now;
    this.#onBack = onBack;
  }

  get isClosed(): boolean {
    return this.#refusal !== undefined;
  }

  /** The way to the store is another one: the next request may try. */
  tryNow(): void {
    this.#closedUntil = this.#now();
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
      if (this.#isDown) this.#onBack();
      this.#isDown = false;
      return result;
    } catch (error) {
      // Of requests that went out together the first refusal counts.
      const isRefusal = error instanceof FileRefused && error.code === 'store_refused';
      if (isRefusal && (isTrial || !this.#refusal)) this.#close(error);
      this.#isDown ||= isRefusal || (error instanceof TryAgain && error.failure instanceof StoreUnreachable);
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
