import { setTimeout as sleep } from 'node:timers/promises';

/** What a line does to all that crosses it. Nothing, unless it is said. */
export interface LineFault {
  /** Connections are refused, and those that are open are reset. */
  readonly refuse?: boolean;
  /** Nothing moves on any connection, old or new, and none of them ends: a black hole. */
  readonly stall?: boolean;
  /** Of all connections together, each way. */
  readonly bytesPerSecond?: number;
  /** Each way; a new connection is there after both. */
  readonly latencyMs?: number;
  /** A connection is reset once so many bytes have crossed it, both ways together. */
  readonly cutAfterBytes?: number;
}

/** Slices in which a slow line moves what it is given, in a second. */
const SLICES = 20;
const MOST_SLICE = 16 * 1024;
/** What a line may catch up on: timers are late by about a millisecond, which it would lose with every slice. */
const BEHIND_MS = 5;

/** A line that several relays share, as a device has one for all the hosts that it talks to. */
export class Line {
  /** Bytes that have crossed it so far. */
  readonly moved = { up: 0, down: 0 };
  readonly #freeAt = { up: 0, down: 0 };
  #fault: LineFault = {};
  #moves: Promise<void> = Promise.resolve();
  #release: () => void = () => undefined;

  get fault(): LineFault {
    return this.#fault;
  }

  set fault(fault: LineFault) {
    const stood = this.#fault.stall === true;
    this.#fault = fault;
    if (fault.stall && !stood) {
      const { promise, resolve } = Promise.withResolvers<void>();
      [this.#moves, this.#release] = [promise, resolve];
    } else if (!fault.stall) this.#release();
  }

  /** Cuts what is to cross the line into pieces that cross it one after the other. */
  *slices(bytes: Buffer): Generator<Buffer> {
    const size = Math.max(1, Math.min(MOST_SLICE, (this.#fault.bytesPerSecond ?? Number.POSITIVE_INFINITY) / SLICES));
    for (let at = 0; at < bytes.length; at += Math.floor(size)) yield bytes.subarray(at, at + Math.floor(size));
  }

  /** Resolves when so many bytes may cross. */
  async take(way: 'up' | 'down', bytes: number): Promise<void> {
    await this.#moves;
    const { bytesPerSecond } = this.#fault;
    if (bytesPerSecond !== undefined) {
      const now = performance.now();
      const from = Math.max(now - BEHIND_MS, this.#freeAt[way]);
      this.#freeAt[way] = from + (1000 * bytes) / bytesPerSecond;
      if (this.#freeAt[way] > now) await sleep(this.#freeAt[way] - now);
      await this.#moves;
    }
    this.moved[way] += bytes;
  }
}
