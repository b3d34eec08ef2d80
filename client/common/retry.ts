import { betweenRequests, REQUEST_ATTEMPTS, sleep } from './waits.ts';

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

/**
 * Runs `attempt` until it does not throw `TryAgain`, some times at most, with growing waits between. Rejects with the
 * failure of the last attempt, or at once with whatever else an attempt throws, and with the signal's reason.
 */
export async function retried<Result>(attempt: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
  for (let count = 1; ; count++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TryAgain)) throw error;
      if (count === REQUEST_ATTEMPTS) throw error.failure;
      await sleep(Math.max(betweenRequests(count), error.after), signal);
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
