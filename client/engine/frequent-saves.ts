import type { Block } from '../../protocol/entry.ts';

/** What a file that is saved again and again may add to what the service stores, bytes a second. */
const BYTES_PER_SECOND = 64 * 1024;
/** The first wait of such a file; the waits double up to what its size asks for, between these. */
const FIRST_MS = 250;
const LEAST_MS = 1000;
const MOST_MS = 60_000;
/** A file that rested this many times its wait is like any other again. */
const REST = 2;

interface Saves {
  /** When its new content was taken last. */
  readonly at: number;
  /** Milliseconds from then until it is taken again. */
  readonly wait: number;
}

/**
 * Files that are written all the time: each version of a log stores its last block anew. Such a file is taken at once,
 * then later each time, until what it stores is bounded.
 */
export class FrequentSaves {
  readonly #now: () => number;
  readonly #byPath = new Map<string, Saves>();

  /** @param now milliseconds since any moment, by a clock that is never set */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The content of a known file was another than before. */
  note(path: string, before: readonly Block[], blocks: readonly Block[]): void {
    const now = this.#now();
    const old = new Set(before.map(({ hash }) => hash));
    const stored = blocks.reduce((sum, { hash, size }) => sum + (old.has(hash) ? 0 : size), 0);
    const most = Math.min(MOST_MS, Math.max(LEAST_MS, (1000 * stored) / BYTES_PER_SECOND));
    const last = this.#byPath.get(path);
    const goesOn = last && now - last.at <= REST * Math.max(last.wait, LEAST_MS);
    this.#byPath.delete(path);
    this.#byPath.set(path, { at: now, wait: goesOn ? Math.min(most, 2 * last.wait) : FIRST_MS });
    for (const [oldest, { at }] of this.#byPath) {
      if (now - at <= REST * MOST_MS) break;
      this.#byPath.delete(oldest);
    }
  }

  /** Whether a file was saved within the last minutes. */
  has(path: string): boolean {
    const saves = this.#byPath.get(path);
    return saves !== undefined && this.#now() - saves.at <= REST * MOST_MS;
  }

  /** Milliseconds until new content of a file is to be taken; 0 for at once. */
  waitFor(path: string): number {
    const saves = this.#byPath.get(path);
    return saves ? Math.max(0, saves.at + saves.wait - this.#now()) : 0;
  }
}
