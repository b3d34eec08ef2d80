/** The slowest link on which anything is to arrive, bytes per second: 64 kbit/s. */
export const SLOWEST = 8_000;
/** An answer may take so many times as long as its request's bytes at the rate that is known. */
const SLACK = 2;

/**
 * How fast requests get out. Their bytes are gone, for this process, when the system has taken them, which may be a
 * whole block; what moves after that is not seen, and the answer is waited for as long as those bytes may take.
 */
export class SendRate {
  #bytesPerSecond = SLOWEST;

  /** Milliseconds that these bytes may be on their way. */
  allowance(bytes: number): number {
    return SLACK * this.takes(bytes);
  }

  /** Milliseconds that these bytes take in one request, as far as is known; others beside it may go as fast. */
  takes(bytes: number): number {
    return (1000 * bytes) / this.#bytesPerSecond;
  }

  /** A request of so many bytes was answered. */
  finished(bytes: number, milliseconds: number): void {
    const measured = (1000 * bytes) / Math.max(1, milliseconds);
    this.#bytesPerSecond = Math.max(SLOWEST, measured, this.#bytesPerSecond / 2);
  }

  /** One was not, in its time: the link may have become slower. */
  stalled(): void {
    this.#bytesPerSecond = Math.max(SLOWEST, this.#bytesPerSecond / 2);
  }
}
