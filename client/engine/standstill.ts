import type { Operation } from '../plan/operation.ts';

/** Plans in a row that may be the same: the first, and what a peculiar file system makes of it. */
const PATIENCE = 3;

/** Notices plans that were carried out, in which nothing failed, and that come again as if nothing had been done. */
export class Standstill {
  #last = '';
  #times = 0;

  /** Takes a plan that was carried out to its end; answers whether it has come so often that it leads nowhere. */
  isOne(plan: readonly Operation[]): boolean {
    const text = JSON.stringify(plan);
    this.#times = text === this.#last ? this.#times + 1 : 1;
    this.#last = text;
    return this.#times > PATIENCE;
  }
}
