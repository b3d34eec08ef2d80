import { isWithin, nameOf } from '../../protocol/path.ts';
import { isUnfinished, stateFolder } from '../../protocol/reserved-name.ts';
import type { Notices } from '../steps/notices.ts';

/** A save is several events: they are taken together once this long nothing followed, or after the second time. */
const QUIET_MS = 100;
const PATIENCE_MS = 200;

/** What interrupts the rest of a sync: changes on the disk, pushes, and the end. */
export class Signals {
  readonly #notices: Notices;
  readonly #signal: AbortSignal;
  readonly #collected = new Set<string>();
  /** By path, with when each fires. */
  readonly #timers = new Map<string, { readonly timer: NodeJS.Timeout; readonly at: number }>();
  #firstAt = 0;
  #collecting: NodeJS.Timeout | undefined;
  #woken = false;
  #resume: (() => void) | undefined;

  constructor(notices: Notices, signal: AbortSignal) {
    this.#notices = notices;
    this.#signal = signal;
    signal.addEventListener('abort', this.wake, { once: true });
  }

  /** Something may have changed at a path of the disk. */
  readonly changed = (path: string): void => {
    if (isWithin(path, stateFolder) || isUnfinished(nameOf(path))) return;
    this.#notices.noticed(path, Date.now());
    const now = performance.now();
    if (this.#collected.size === 0) this.#firstAt = now;
    this.#collected.add(path);
    clearTimeout(this.#collecting);
    const rest = Math.max(0, this.#firstAt + PATIENCE_MS - now);
    this.#collecting = setTimeout(
      () => {
        for (const collected of this.#collected) this.#notices.look(collected);
        this.#collected.clear();
        this.wake();
      },
      Math.min(QUIET_MS, rest),
    );
  };

  /** Whether changes of the disk were noticed that are not in `unseen` yet. */
  get isCollecting(): boolean {
    return this.#collected.size > 0;
  }

  /** The service may have changes. */
  readonly behind = (): void => {
    this.#notices.readChanges();
    this.wake();
  };

  /** Looks at a path again after a while; of several times the first. */
  readonly later = (path: string, milliseconds: number): void => {
    const [known, at] = [this.#timers.get(path), performance.now() + milliseconds];
    if (known && known.at <= at) return;
    clearTimeout(known?.timer);
    const timer = setTimeout(() => {
      this.#timers.delete(path);
      this.#notices.look(path);
      this.wake();
    }, milliseconds);
    this.#timers.set(path, { timer, at });
  };

  readonly wake = (): void => {
    this.#woken = true;
    this.#resume?.();
  };

  /** Waits for a signal, at most `milliseconds`. One that came since the last wait counts. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.#woken && !this.#signal.aborted && milliseconds > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
        timer = setTimeout(resolve, Math.min(milliseconds, 2 ** 31 - 1));
      });
      clearTimeout(timer);
      this.#resume = undefined;
    }
    this.#woken = false;
  }

  close(): void {
    clearTimeout(this.#collecting);
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
  }
}
