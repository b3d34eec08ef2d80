import { whileAway } from '../common/waits.ts';
import type { Report } from '../output/report.ts';
import { Unreachable } from '../service/errors.ts';
import type { Bulletin } from '../state/bulletin.ts';
import { isOutage } from '../steps/classify.ts';

/** An outage of so long is told; a shorter one that the next attempt ends is only noted. */
const TOLD_AFTER_MS = 8_000;
/** After so long without a failure an outage is over, though the round that met it may go on for hours. */
const OVER_AFTER_MS = 10_000;

interface ContactOptions {
  readonly report: Report;
  readonly bulletin: Pick<Bulletin, 'note'>;
  /** Whether the sync is to end, so that an outage ends it. */
  readonly once: boolean;
}

/** Whether the service answers, as far as is known, since when it does not, and why. */
export class Contact {
  readonly #options: ContactOptions;
  #online: boolean | undefined;
  #attempts = 0;
  /** By `performance.now()`. */
  #awaySince: number | undefined;
  #failedAt = 0;
  #telling: NodeJS.Timeout | undefined;

  constructor(options: ContactOptions) {
    this.#options = options;
  }

  /** An attempt of a call was answered, or not. */
  readonly attempted = (failure: Unreachable | undefined): void => {
    const isOver = this.#online !== false || performance.now() - this.#failedAt > OVER_AFTER_MS;
    if (failure) this.#fails(failure);
    else if (this.#awaySince !== undefined && isOver) this.#isBack();
  };

  /** A round went well; `first` when that is of interest only if nothing was known before. */
  isThere(first = false): void {
    if (first && this.#online !== undefined) return;
    this.#isBack();
  }

  /** The milliseconds to wait after a failure of the service; `undefined` after any other, and in a sync that is to end. */
  waitFor(error: unknown): number | undefined {
    if (!isOutage(error) || this.#options.once) return undefined;
    this.#fails(error);
    this.#tell(error.message);
    const asked = error instanceof Unreachable ? error.after : 0;
    return Math.max(asked, whileAway(++this.#attempts, performance.now() - (this.#awaySince ?? 0)));
  }

  close(): void {
    clearTimeout(this.#telling);
  }

  #fails(failure: Error): void {
    this.#failedAt = performance.now();
    if (this.#awaySince !== undefined) return;
    this.#awaySince = this.#failedAt;
    this.#options.bulletin.note({ offline: { since: Date.now(), message: failure.message } });
    if (!this.#options.once) this.#telling = setTimeout(() => this.#tell(failure.message), TOLD_AFTER_MS);
  }

  #tell(message: string): void {
    if (this.#online !== false) this.#options.report({ event: 'offline', message });
    this.#online = false;
  }

  #isBack(): void {
    clearTimeout(this.#telling);
    if (this.#awaySince !== undefined) this.#options.bulletin.note({ offline: undefined });
    this.#awaySince = undefined;
    this.#attempts = 0;
    if (!this.#online) this.#options.report({ event: 'online' });
    this.#online = true;
  }
}
