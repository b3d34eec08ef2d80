import type { FileHandle } from 'node:fs/promises';
import type { FilePool } from '../../codec/node/file-pool.ts';
import type { Block } from '../../protocol/entry.ts';
import { type Placed, withOffsets } from '../plan/block-offsets.ts';
import { missingBlocks, type OnSketch } from './hash-file.ts';

/** Bytes that are flushed and read back together while others are still to come. */
const PORTION_BYTES = 32 * 1024 * 1024;

interface Options {
  readonly pool: FilePool;
  /** Takes the sketches of the blocks that the file has. */
  readonly onSketch?: OnSketch | undefined;
}

/**
 * Reads a file back, each part after it was flushed: while it is written portion by portion, so that little is left to do
 * when the last block has come.
 */
export class ReadBack {
  readonly #file: FileHandle;
  readonly #blocks: readonly Placed[];
  readonly #options: Options;
  /** The numbers of the blocks that are still to be read. */
  readonly #left: Set<number>;
  readonly #missing: number[] = [];
  /** Those that were written since a portion was begun. */
  #written: number[] = [];
  #bytes = 0;
  /** The portion that is read; one that failed stays. */
  #portion: Promise<void> | undefined;

  /** @param blocks all of the file, in order */
  constructor(file: FileHandle, blocks: readonly Block[], options: Options) {
    this.#file = file;
    this.#blocks = withOffsets(blocks);
    this.#options = options;
    this.#left = new Set(blocks.keys());
  }

  /** The block of this number is in the file, to stay as it is. */
  readonly written = (number: number): void => {
    this.#written.push(number);
    this.#bytes += this.#blocks[number]!.size;
    if (this.#bytes < PORTION_BYTES || this.#portion) return;
    const numbers = this.#written;
    this.#written = [];
    this.#bytes = 0;
    this.#portion = this.#flushAndRead(numbers);
    // Whoever waits for all of it is told.
    this.#portion.catch(() => undefined);
  };

  /** The numbers of the blocks that the file does not have, once it is flushed: all of them when it has another length. */
  async missing(): Promise<number[]> {
    await this.#portion;
    await this.#read([...this.#left]);
    const bytes = this.#blocks.reduce((sum, { size }) => sum + size, 0);
    const isAsLong = (await this.#file.stat()).size === bytes;
    return isAsLong ? this.#missing.splice(0) : [...this.#blocks.keys()];
  }

  /** Some blocks were written once more. */
  again(numbers: readonly number[]): void {
    for (const number of numbers) this.#left.add(number);
  }

  /** Resolves once nothing of the file is being read. */
  async atRest(): Promise<void> {
    await this.#portion?.catch(() => undefined);
  }

  async #flushAndRead(numbers: readonly number[]): Promise<void> {
    await this.#file.datasync();
    await this.#read(numbers);
    this.#portion = undefined;
  }

  async #read(numbers: readonly number[]): Promise<void> {
    const blocks = numbers.map((number) => ({ ...this.#blocks[number]!, number }));
    this.#missing.push(...(await missingBlocks(this.#file.fd, blocks, this.#options)));
    for (const number of numbers) this.#left.delete(number);
  }
}
