/** Waits `milliseconds`, or less when the signal fires; never rejects. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}

/**
 * Milliseconds to wait before attempt `attempt` (from 1): full jitter under an exponential ceiling, so that clients
 * which failed together do not come back together.
 */
export function backoff(attempt: number, { first = 500, most = 30_000 } = {}): number {
  return Math.random() * Math.min(most, first * 2 ** (attempt - 1));
}

/** Milliseconds to wait after failure `count` in a row (from 1) of something on this machine: 1 s, doubled up to 1 min. */
export function laterEachTime(count: number): number {
  return Math.min(60_000, 1000 * 2 ** (count - 1));
}

/** What one attempt throws when another may help: the failure that stands if it was the last one. */
export class TryAgain extends Error {
  override readonly name = 'TryAgain';
  readonly failure: Error;
  /** Milliseconds that the other side asks to be left alone. */
  readonly after: number;

  constructor(failure: Error, after = 0) {
    super(failure.message);
    this.failure = failure;
    this.after = after;
  }
}

/** Attempts for one request before the other side counts as unreachable. */
const ATTEMPTS = 4;

/** Ceilings of the waits between them, milliseconds: somebody may look at the screen. */
const BRIEF = { first: 200, most: 2000 };

/**
 * Runs `attempt` until it does not throw `TryAgain`, some times at most, with growing waits between. Rejects with the
 * failure of the last attempt, or at once with whatever else an attempt throws.
 */
export async function retried<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let count = 1; ; count++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      if (count === ATTEMPTS) throw error.failure;
      await pause(Math.max(backoff(count, BRIEF), error.after));
    }
  }
}

/** Who asks for more gets the next attempt then all the same: what fails for good is tried again by the next round. */
const MOST_ASKED_MS = 20_000;

/** Milliseconds that the header `Retry-After` asks for, in seconds or as a date; 0 without one that can be read. */
export function retryAfter(header: string | null | undefined, now = Date.now()): number {
  if (header === null || header === undefined) return 0;
  const asked = /^\d+$/.test(header) ? 1000 * Number(header) : Date.parse(header) - now;
  return Number.isNaN(asked) ? 0 : Math.min(MOST_ASKED_MS, Math.max(0, asked));
}
