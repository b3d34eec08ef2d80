import { createHash } from 'node:crypto';
import { type Operation, pathsOf } from '../plan/operation.ts';

/** Plans in a row that may be the same: the first, and what a peculiar file system makes of it. */
const PATIENCE = 3;

/** Notices plans that were carried out, in which nothing failed, and that come again as if nothing had been done. */
export class Standstill {
  #last = '';
  #times = 0;

  /**
   * Takes a plan that was carried out to its end; answers whether it has come so often that it leads nowhere.
   * @param versionOf what the service has at a path: another version makes it another plan
   */
  isOne(plan: readonly Operation[], versionOf: (path: string) => number | undefined): boolean {
    const hash = createHash('sha256');
    for (const operation of plan) hash.update(JSON.stringify([operation, pathsOf(operation).map(versionOf)]));
    const digest = hash.digest('hex');
    this.#times = digest === this.#last ? this.#times + 1 : 1;
    this.#last = digest;
    return this.#times > PATIENCE;
  }
}
