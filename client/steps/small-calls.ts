import { CallBytes } from '../common/call-bytes.ts';

/**
 * Bytes of a file up to which it goes with a call whatever it is, eight seconds on a line of 64 kbit/s. An edit of a larger
 * one is a delta, so that its old content is kept.
 */
export const EDITED_WHOLE = 64 * 1024;

/** Content goes the other way for so long, ms, when the service takes no more of it with the call. */
const CLOSED_MS = 60 * 60_000;

/** Calls that bring small content: how much of it, and whether at all. */
export class SmallCalls extends CallBytes {
  #closedUntil = Number.NEGATIVE_INFINITY;

  get isOpen(): boolean {
    return performance.now() >= this.#closedUntil;
  }

  /** The service did not keep what came. */
  close(): void {
    this.#closedUntil = performance.now() + CLOSED_MS;
  }
}
