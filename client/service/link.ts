import { Unreachable } from './errors.ts';

/** The way to the service. It may be another one from one moment to the next, and nobody tells those who wait. */
export class Link {
  #underWay = new AbortController();

  /** Fires for what is under way now once no answer is to be hoped for: it may be asked again. */
  get lost(): AbortSignal {
    return this.#underWay.signal;
  }

  /** What is under way is given up; what begins from now on goes a new way. */
  renew(): void {
    const before = this.#underWay;
    this.#underWay = new AbortController();
    before.abort(new Unreachable('the network is another one'));
  }
}
