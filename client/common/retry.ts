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
