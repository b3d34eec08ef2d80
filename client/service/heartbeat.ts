import { SILENT_MS } from './connections.ts';

/** A ping is sent so often while something happens, and for a while after that; and so often at rest. */
const BUSY_MS = 6_000;
const REST_MS = 45_000;
const BUSY_FOR_MS = 60_000;
/** A ping that was not answered for so long is late. */
const LATE_MS = 3_000;

export interface HeartbeatOptions {
  readonly ping: () => void;
  /** The connection may be dead. */
  readonly onLate: () => void;
  /** It is. */
  readonly onDead: () => void;
}

/** Asks a connection for signs of life: a dead one often looks alive, since nobody tells that it was cut. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #busyUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Whether a ping is out. */
  #asks = false;
  #closed = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.touch();
  }

  /** Something happens: a sign of death is looked for sooner. */
  touch(): void {
    const wasBusy = this.#isBusy;
    this.#busyUntil = performance.now() + BUSY_FOR_MS;
    if (!wasBusy && !this.#asks) this.#rest();
  }

  /** Something says that the connection may be dead: it has to show at once that it is not. */
  probe(): void {
    if (!this.#asks) this.#ask();
  }

  /** It gave a sign of life. */
  answered(): void {
    this.#asks = false;
    this.#rest();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  get #isBusy(): boolean {
    return performance.now() < this.#busyUntil;
  }

  #after(milliseconds: number, work: () => void): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(work, milliseconds);
  }

  #rest(): void {
    this.#after(this.#isBusy ? BUSY_MS : REST_MS, () => this.#ask());
  }

  #ask(): void {
    if (this.#closed) return;
    this.#asks = true;
    this.#options.ping();
    this.#after(LATE_MS, () => {
      this.#options.onLate();
      this.#after(SILENT_MS - LATE_MS, this.#options.onDead);
    });
  }
}
