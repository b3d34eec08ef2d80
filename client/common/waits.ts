/**
 * How long is waited before what failed is tried again: the growing waits of the client, in milliseconds, and the
 * waiting.
 */

interface Growth {
  readonly first: number;
  readonly most: number;
}

/** Doubles with each attempt (from 1) up to a ceiling. */
function growing(attempt: number, { first, most }: Growth): number {
  return Math.min(most, first * 2 ** (attempt - 1));
}

/** Anything below that, so that clients which failed together do not come back together. */
function jittered(attempt: number, growth: Growth, random = Math.random): number {
  return random() * growing(attempt, growth);
}

/** Attempts for one request before the other side counts as unreachable. */
export const REQUEST_ATTEMPTS = 4;

/** Between the attempts of one request: somebody may look at the screen. */
export function betweenRequests(attempt: number): number {
  return jittered(attempt, { first: 200, most: 2000 });
}

/** An outage is short or long: for so long it is taken for a short one, such as a tunnel. */
const SHORT_OUTAGE_MS = 5 * 60_000;

/**
 * Before the next round of a sync whose service is away.
 * @param awayMs since when it is away
 */
export function whileAway(attempt: number, awayMs: number): number {
  return jittered(attempt, { first: 500, most: awayMs < SHORT_OUTAGE_MS ? 6_000 : 30_000 });
}

/**
 * Between two connections for pushes that failed or did not last.
 * @param random gives numbers of at least 0, and below 1
 */
export function betweenSockets(attempt: number, random = Math.random): number {
  return jittered(attempt, { first: 500, most: 30_000 }, random);
}

/** Before the whole sync is tried again, which this machine does not let go on, as a full disk does. */
export function afterLocalTrouble(count: number): number {
  return growing(count, { first: 1_000, most: 60_000 });
}

/** Before a path that failed is tried again; the caller has one factor for all paths, so that they go together. */
export function afterPathFailure(count: number): number {
  return growing(count, { first: 1_000, most: 60_000 });
}

/** After a refusal of the block store, which may have taken the content to refuse it, and would have to again. */
export function afterStoreRefusal(count: number): number {
  return growing(count, { first: 60_000, most: 30 * 60_000 });
}

/** Resolves after `milliseconds`, or when the signal fires; never rejects. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
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
