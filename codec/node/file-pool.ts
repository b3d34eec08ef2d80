import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { type FileBlock, type OldBlock, readSegment, type Segment } from './segment.ts';
import { startWorker } from './start-worker.ts';

/** Blocks that a thread takes at a time: few enough to keep all of them busy. */
const SEGMENT_BLOCKS = 8;

/**
 * Blocks that are read on the calling thread before others are started. Hashing them takes about as long as starting
 * threads: so little work never pays for threads, and much work waits at most twice as long as it had to.
 */
const BLOCKS_BEFORE_THREADS = 16;

/** Threads that read, hash and encode blocks of files. They start once there is enough to do for them. */
export class FilePool {
  readonly #threads: number;
  readonly #workers = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #waiting: ((worker: Worker) => void)[] = [];
  #blocksHere = 0;
  #closed = false;

  /** @param threads one for each processor by default */
  constructor(threads = availableParallelism()) {
    this.#threads = threads;
  }

  /**
   * Some blocks of a file, in the order asked for, each with its SHA-256 and, when old blocks are given, a delta from
   * the old block of the same number, or from that and its neighbours.
   *
   * @param file descriptor of the file, to be kept open until this ends
   * @param blocks their numbers; one beyond the file's end is empty
   * @param old blocks of the old version by their numbers; one that cannot be read counts as missing
   * @throws what reading the file throws
   */
  async blocksOf(file: number, blocks: readonly number[], old?: ReadonlyMap<number, OldBlock>): Promise<FileBlock[]> {
    const here: FileBlock[] = [];
    while (here.length < blocks.length && this.#blocksHere < BLOCKS_BEFORE_THREADS) {
      this.#demandOpen();
      this.#blocksHere++;
      here.push(...readSegment({ file, blocks: blocks.slice(here.length, here.length + 1), old }));
      await setImmediate();
    }
    const segments: Promise<FileBlock[]>[] = [];
    const most = Math.min(SEGMENT_BLOCKS, Math.ceil((blocks.length - here.length) / this.#threads));
    for (let from = here.length; from < blocks.length; from += most) {
      const part = blocks.slice(from, from + most);
      segments.push(this.#run({ file, blocks: part, old: old && near(part, old) }));
    }
    const there = await Promise.allSettled(segments);
    const failed = there.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return [...here, ...there.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))];
  }

  /** Ends the threads; what they were doing fails. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }

  #demandOpen(): void {
    if (this.#closed) throw new Error('the pool is closed');
  }

  #start(): Worker {
    const worker = startWorker();
    this.#workers.add(worker);
    worker.once('exit', () => this.#workers.delete(worker));
    worker.unref();
    return worker;
  }

  async #run(segment: Segment): Promise<FileBlock[]> {
    this.#demandOpen();
    const worker = await this.#take();
    try {
      this.#demandOpen();
      return await answer(worker, segment);
    } finally {
      this.#give(worker);
    }
  }

  #take(): Worker | Promise<Worker> {
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#workers.size < this.#threads) return this.#start();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Passes a worker on; one that ended is replaced. */
  #give(worker: Worker): void {
    const next = this.#waiting.shift();
    const alive = this.#workers.has(worker);
    if (next) next(alive || this.#closed ? worker : this.#start());
    else if (alive) this.#idle.push(worker);
  }
}

/** The old blocks that deltas of these blocks may need. */
function near(blocks: readonly number[], old: ReadonlyMap<number, OldBlock>): Map<number, OldBlock> {
  const found = new Map<number, OldBlock>();
  for (const block of blocks) {
    for (const number of [block - 1, block, block + 1]) {
      const place = old.get(number);
      if (place) found.set(number, place);
    }
  }
  return found;
}

async function answer(worker: Worker, segment: Segment): Promise<FileBlock[]> {
  const answered = new AbortController();
  const ended = once(worker, 'exit', answered).then(() => [
    { error: new Error('the thread that read the file ended') },
  ]);
  worker.ref();
  try {
    worker.postMessage(segment);
    const [{ blocks, error, properties }] = await Promise.race([once(worker, 'message', answered), ended]);
    if (error) throw Object.assign(error, properties);
    return blocks;
  } finally {
    answered.abort();
    worker.unref();
  }
}
