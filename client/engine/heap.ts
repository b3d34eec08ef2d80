import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { collector } from '../../cli/collector.ts';

/** A sync that rests this long, ms, gives memory back. */
const REST_MS = 5_000;
/** When the heap is so much larger, in bytes, than when it was given back last: at the first rest all of it counts. */
const WORTH_BYTES = 8 * 1024 * 1024;

/**
 * A heap below this, in bytes, may grow to four times what is in use before all of it is looked through. Content that
 * passes counts as heap, so that by V8's own measure that would happen for every few MiB.
 */
const SMALL_BYTES = 128 * 1024 * 1024;
const ROOMY = '--heap-growing-percent=300';
const BY_ITSELF = '--heap-growing-percent=0';

interface HeapOptions {
  /** Bytes that the heap takes from the system. */
  readonly size?: () => number;
  /** Collects what nobody needs any more, and gives the system what that took. */
  readonly collect?: () => Promise<void>;
  /** Takes a flag of V8. */
  readonly setFlag?: (flag: string) => void;
}

/**
 * Has the runtime collect seldom while a sync works, as long as its heap is small, and gives memory back once the sync
 * rests: the runtime collects only while something is allocated.
 */
export class Heap {
  readonly #size: () => number;
  readonly #collect: () => Promise<void>;
  readonly #setFlag: (flag: string) => void;
  #growth = BY_ITSELF;
  #least = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({
    size = () => getHeapStatistics().total_heap_size,
    collect = collectAll,
    setFlag = setFlagsFromString,
  }: HeapOptions = {}) {
    this.#size = size;
    this.#collect = collect;
    this.#setFlag = setFlag;
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
    const growth = this.#size() < SMALL_BYTES ? ROOMY : BY_ITSELF;
    if (growth !== this.#growth) this.#setFlag(growth);
    this.#growth = growth;
  }
}

async function collectAll(): Promise<void> {
  await collector()({ type: 'major', execution: 'async', flavor: 'last-resort' });
}
