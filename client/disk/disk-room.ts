import { statfs } from 'node:fs/promises';
import pLimit from 'p-limit';
import { formatBytes } from '../../protocol/bytes.ts';
import { FileRefused } from '../common/errors.ts';
import type { BlockCache } from './block-cache.ts';

/** What downloads leave free, for the client's own state and for other programs: this part, or this much if less. */
const RESERVED_SHARE = 0.05;
const RESERVED_BYTES = 256 * 1024 ** 2;

/** The room of a disk that downloads may fill. What a file was promised and has not written yet is nobody else's. */
export class DiskRoom {
  readonly #root: string;
  readonly #cache: Pick<BlockCache, 'dropOldest'>;
  /** One asks at a time: what turns out not to fit keeps no room from what does. */
  readonly #turns = pLimit(1);
  #promised = 0;

  constructor(root: string, cache: Pick<BlockCache, 'dropOldest'>) {
    this.#root = root;
    this.#cache = cache;
  }

  /**
   * Promises room for `bytes`; cached blocks give way to it. Throws `FileRefused` when there is too little. The answer
   * is to be told of bytes that are written, and of those that never will be.
   */
  promise(bytes: number): Promise<(done: number) => void> {
    return this.#turns(() => this.#grant(bytes));
  }

  async #grant(bytes: number): Promise<(done: number) => void> {
    while ((await this.#free()) < this.#promised + bytes) {
      if (await this.#cache.dropOldest()) continue;
      throw new FileRefused(
        'local',
        `the disk has no room for its ${formatBytes(bytes)}: free some (5% of the disk, or 268 MB if less, stay free)`,
      );
    }
    this.#promised += bytes;
    return (part) => {
      this.#promised -= part;
    };
  }

  /** Bytes; a disk that does not say how much is free has to be tried. */
  async #free(): Promise<number> {
    const stats = await statfs(this.#root).catch(() => undefined);
    if (!stats) return Number.POSITIVE_INFINITY;
    return stats.bavail * stats.bsize - reservedBytes(stats);
  }
}

/** Bytes of a disk that downloads leave free. */
export function reservedBytes({ blocks, bsize }: { readonly blocks: number; readonly bsize: number }): number {
  return Math.min(blocks * bsize * RESERVED_SHARE, RESERVED_BYTES);
}
