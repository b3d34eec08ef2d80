import { BLOCK_BYTES } from '../../codec/index.ts';

/**
 * Memory for the blocks of one transfer, used again for one after the other. Were it fresh for each, the runtime would
 * look through its whole heap every few blocks for memory that nobody needs any more.
 */
export class BlockRooms {
  readonly #free: Buffer[] = [];

  /** Gives room for a block until `work` ends. */
  async lend<Result>(work: (room: Buffer) => Promise<Result>): Promise<Result> {
    const room = this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    try {
      return await work(room);
    } finally {
      this.#free.push(room);
    }
  }
}
