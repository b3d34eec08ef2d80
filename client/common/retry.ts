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

/** Who is asked to wait longer than this between two attempts, ms, gives up: the next round may wait so long. */
const MOST_PATIENT_MS = 20_000;

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
      if (count === REQUEST_ATTEMPTS || error.after > MOST_PATIENT_MS) throw error.failure;
      await sleep(Math.max(betweenRequests(count), error.after), signal);
    }
  }
}

/** Runs `attempt` once, for what must not be repeated: rejects with the failure that stands. */
export async function triedOnce<Result>(attempt: () => Promise<Result>): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    throw error instanceof TryAgain ? error.failure : error;
  }
}

/** Nobody is left alone for longer, whatever was asked. */
const MOST_ASKED_MS = 10 * 60_000;

/**
 * Milliseconds that the header `Retry-After` asks for, in seconds or as a date; 0 without one that can be read.
 * @param now the time by the clock of whoever answered, milliseconds since 1970; without it a date cannot be read
 */
export function retryAfter(header: string | null | undefined, now = Number.NaN): number {
  if (header === null || header === undefined) return 0;
  const asked = /^\d+$/.test(header) ? 1000 * Number(header) : Date.parse(header) - now;
  return Number.isNaN(asked) ? 0 : Math.min(MOST_ASKED_MS, Math.max(0, asked));
}
