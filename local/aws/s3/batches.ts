import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PassingBytes } from '../../../cli/passing-bytes.ts';

/** Bytes of a batch: a body comes in records of TLS, of 16 KiB. */
const BATCH_BYTES = 1024 * 1024;

const passing = new PassingBytes();

/** Memory that no batch is in: fresh memory for each would be looked for in the whole heap once nobody needs it. */
const free: Buffer[] = [];

/**
 * Gathers a body in batches and hands over one after the other, each valid until `use` of it ends. Rejects with what
 * either does.
 */
export async function inBatches(
  body: NodeJS.ReadableStream | AsyncIterable<Buffer>,
  use: (batch: Buffer) => Promise<void>,
): Promise<void> {
  const room = free.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
  let filled = 0;
  const handOver = async (): Promise<void> => {
    await use(room.subarray(0, filled));
    passing.passed(filled);
    filled = 0;
  };
  /** Puts a piece in, and what there is no room for after the next batch. */
  const put = async (piece: Buffer): Promise<void> => {
    for (let rest = piece; ; ) {
      const taken = rest.copy(room, filled);
      filled += taken;
      if (filled < BATCH_BYTES) return;
      await handOver();
      rest = rest.subarray(taken);
    }
  };
  const batches = new Writable({
    write(piece: Buffer, _, done) {
      if (filled + piece.length < BATCH_BYTES) {
        filled += piece.copy(room, filled);
        done();
      } else put(piece).then(() => done(), done);
    },
    final(done) {
      if (filled === 0) done();
      else handOver().then(() => done(), done);
    },
  });
  try {
    await pipeline(body, batches);
  } finally {
    free.push(room);
  }
}
