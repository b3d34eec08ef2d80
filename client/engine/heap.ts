import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { collector } from '../../cli/collector.ts';

const MIB = 1024 * 1024;

/** A sync that rests this long, ms, gives memory back. */
const REST_MS = 5_000;
/** When the heap is so much larger, in bytes, than when it was given back last: at the first rest all of it counts. */
const WORTH_BYTES = 8 * MIB;

/**
 * By how much of what is in use a heap below some bytes may grow before all of it is looked through. Content that passes
 * counts as heap, so that by V8's own measure that would happen for every few MiB of it. A large one grows to four times
 * what is in use by that measure as well: with 100,000 files to 400 MB for 100.
 */
const growths = [
  { below: 128 * MIB, flag: '--heap-growing-percent=300' },
  { below: 512 * MIB, flag: '--heap-growing-percent=50' },
  { below: Number.POSITIVE_INFINITY, flag: '--heap-growing-percent=25' },
] as const;

/** What is new in the heap may take so much, in bytes; V8 lets it grow to 128 MiB once much stays. */
const YOUNG_BYTES = 32 * MIB;
const YOUNG_GROWS = '--semi-space-growth-factor=2';
const YOUNG_STAYS = '--semi-space-growth-factor=1';
/** How often the size of what is new is asked for at most, ms. */
const ASKING_MS = 50;

interface HeapOptions {
  /** Bytes that the heap takes from the system. */
  readonly size?: () => number;
  /** Bytes of it that what is new may take. */
  readonly youngSize?: () => number;
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
  readonly #youngSize: () => number;
  readonly #collect: () => Promise<void>;
  readonly #setFlag: (flag: string) => void;
  /** Those that were set last, by name. */
  readonly #flags = new Map<string, string>();
  #askedAt = Number.NEGATIVE_INFINITY;
  #least = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({
    size = () => getHeapStatistics().total_heap_size,
    youngSize = youngGeneration,
    collect = collectAll,
    setFlag = setFlagsFromString,
  }: HeapOptions = {}) {
    this.#size = size;
    this.#youngSize = youngSize;
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
    const now = performance.now();
    if (now - this.#askedAt < ASKING_MS) return;
    this.#askedAt = now;
    const size = this.#size();
    this.#take(growths.find(({ below }) => size < below)!.flag);
    this.#take(this.#youngSize() < YOUNG_BYTES ? YOUNG_GROWS : YOUNG_STAYS);
  }

  #take(flag: string): void {
    const [name = ''] = flag.split('=');
    if (this.#flags.get(name) === flag) return;
    this.#flags.set(name, flag);
    this.#setFlag(flag);
  }
}

function youngGeneration(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}

/** What is read from now on stays, as the state of a folder does: no room is made for what comes and goes. */
export function loadsWhatStays(): void {
  setFlagsFromString(YOUNG_STAYS);
}

async function collectAll(): Promise<void> {
  await collector()({ type: 'major', execution: 'async', flavor: 'last-resort' });
}
