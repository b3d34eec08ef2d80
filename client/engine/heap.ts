import { collector } from '../common/collector.ts';

/** A sync that rests this long, ms, gives memory back. */
const REST_MS = 5_000;
/** When the heap is so much larger, in bytes, than when it was given back last: at the first rest all of it counts. */
const WORTH_BYTES = 8 * 1024 * 1024;

interface HeapOptions {
  /** Bytes that the heap takes from the system. */
  readonly size?: () => number;
  /** Collects what nobody needs any more, and gives the system what that took. */
  readonly collect?: () => Promise<void>;
}

/** Gives memory back once a sync rests: the runtime collects only while something is allocated. */
export class Heap {
  readonly #size: () => number;
  readonly #collect: () => Promise<void>;
  #least = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ size = () => process.memoryUsage().heapTotal, collect = collectAll }: HeapOptions = {}) {
    this.#size = size;
    this.#collect = collect;
  }

  /** Nothing is left to do. */
  rests(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#size() - this.#least < WORTH_BYTES) return;
      void this.#collect().then(() => {
        this.#least = this.#size();
      });
    }, REST_MS).unref();
  }

  /** Something is being done. */
  works(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

async function collectAll(): Promise<void> {
  await collector()({ type: 'major', execution: 'async', flavor: 'last-resort' });
}
