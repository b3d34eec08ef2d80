import { collector } from './collector.ts';

/** Bytes after which memory of what passed is given back. */
const EACH_BYTES = 8 * 1024 * 1024;

/**
 * Gives back the memory of bytes that only pass. TLS brings them in buffers of 16 KiB, of which the runtime sees small
 * objects: it would wait until their bytes are as much as its whole heap, and then look through all of that.
 */
export class PassingBytes {
  readonly #collect: () => void;
  #bytes = 0;

  constructor(collect: () => void = () => collector()({ type: 'minor' })) {
    this.#collect = collect;
  }

  passed(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < EACH_BYTES) return;
    this.#bytes = 0;
    this.#collect();
  }
}
