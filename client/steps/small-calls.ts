import { CallBytes } from '../common/call-bytes.ts';

/**
 * Bytes of a file up to which it goes with a call whatever it is, eight seconds on a line of 64 kbit/s. An edit of a larger
 * one is a delta, so that its old content is kept.
 */
export const EDITED_WHOLE = 64 * 1024;

/** Content goes the other way for so long, ms, when the service takes no more of it with the call. */
const CLOSED_MS = 60 * 60_000;

/** Contents go with the calls for so long, ms, when packs were not taken, or did not reach the store. */
const NO_PACKS_MS = 5 * 60_000;

/** So many times as much may lie in packs: more makes fewer calls, and lets the other devices wait longer for the last. */
const PACKED_TIMES = 2;

/** Calls that bring small content: how much of it, and whether at all. */
export class SmallCalls extends CallBytes {
  #closedUntil = Number.NEGATIVE_INFINITY;
  #noPacksUntil = Number.NEGATIVE_INFINITY;

  get isOpen(): boolean {
    return performance.now() >= this.#closedUntil;
  }

  /** Bytes of content that one call may name in packs, beside those that it carries. */
  get mostPacked(): number {
    return this.isWide && performance.now() >= this.#noPacksUntil ? PACKED_TIMES * this.most : 0;
  }

  /** Packs were not taken. */
  closePacks(): void {
    this.#noPacksUntil = performance.now() + NO_PACKS_MS;
  }

  /** The service did not keep what came. */
  close(): void {
    this.#closedUntil = performance.now() + CLOSED_MS;
  }
}
