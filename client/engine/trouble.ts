import { messageOf } from '../../cli/reason.ts';
import { ClientError, LocalTrouble, systemCode } from '../common/errors.ts';
import { afterLocalTrouble } from '../common/waits.ts';
import type { Report } from '../output/report.ts';

/** Attempts of a sync that is to end, for all of it or for one path. */
export const ONCE_ATTEMPTS = 3;

/** What keeps this machine from syncing at all, as a full disk does: shown once, tried again, later each time. */
export class Trouble {
  readonly #report: Report;
  readonly #once: boolean;
  #attempts = 0;
  #shown: string | undefined;

  /** @param once whether the sync is to end, and so gives up after some attempts */
  constructor(report: Report, once: boolean) {
    this.#report = report;
    this.#once = once;
  }

  /** Takes a failure; answers the milliseconds to wait before the next attempt. Throws any other kind of error. */
  meet(error: unknown): number {
    if (!(error instanceof LocalTrouble) && systemCode(error) === undefined) throw error;
    const message = messageOf(error);
    this.#attempts++;
    if (this.#once && this.#attempts >= ONCE_ATTEMPTS) {
      throw new ClientError('local_trouble', message, { cause: error });
    }
    if (message !== this.#shown) this.#report({ event: 'error', code: 'local', message });
    this.#shown = message;
    return afterLocalTrouble(this.#attempts);
  }

  /** An attempt went well. */
  end(): void {
    this.#attempts = 0;
    this.#shown = undefined;
  }
}
