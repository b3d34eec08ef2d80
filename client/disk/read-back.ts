import type { FileHandle } from 'node:fs/promises';
import type { FilePool } from '../../codec/node/file-pool.ts';
import type { Block } from '../../protocol/entry.ts';
import { bytesOf, withOffsets } from '../plan/block-offsets.ts';
import { missingBlocks, type NumberedBlock, type OnSketch } from './hash-file.ts';

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
  readonly #blocks: readonly NumberedBlock[];
  readonly #options: Options;
  /** Those that are still to be read. */
  readonly #left: Set<NumberedBlock>;
  readonly #missing: number[] = [];
  /** Those that were written since a portion was begun. */
  readonly #written: NumberedBlock[] = [];
  /** The portion that is read; one that failed stays. */
  #portion: Promise<void> | undefined;

  /** @param blocks all of the file, in order */
  constructor(file: FileHandle, blocks: readonly Block[], options: Options) {
    this.#file = file;
    this.#blocks = withOffsets(blocks).map((block, number) => ({ ...block, number }));
    this.#options = options;
    this.#left = new Set(this.#blocks);
  }

  /** The block of this number is in the file, to stay as it is. */
  readonly written = (number: number): void => {
    this.#written.push(this.#blocks[number]!);
    if (this.#portion || bytesOf(this.#written) < PORTION_BYTES) return;
    this.#portion = this.#flushAndRead(this.#written.splice(0));
    // Whoever waits for all of it is told.
    this.#portion.catch(() => undefined);
  };

  /** The numbers of the blocks that the file does not have, once it is flushed: all of them when it has another length. */
  async missing(): Promise<number[]> {
    await this.#portion;
    await this.#read([...this.#left]);
    const missing = this.#missing.splice(0);
    const isAsLong = (await this.#file.stat()).size === bytesOf(this.#blocks);
    return isAsLong ? missing : [...this.#blocks.keys()];
  }

  /** Some blocks were written once more. */
  again(numbers: readonly number[]): void {
    for (const number of numbers) this.#left.add(this.#blocks[number]!);
  }

  /** Resolves once nothing of the file is being read. */
  async atRest(): Promise<void> {
    await this.#portion?.catch(() => undefined);
  }

  async #flushAndRead(blocks: readonly NumberedBlock[]): Promise<void> {
    await this.#file.datasync();
    await this.#read(blocks);
    this.#portion = undefined;
  }

  async #read(blocks: readonly NumberedBlock[]): Promise<void> {
    this.#missing.push(...(await missingBlocks(this.#file.fd, blocks, this.#options)));
    for (const block of blocks) this.#left.delete(block);
  }
}
