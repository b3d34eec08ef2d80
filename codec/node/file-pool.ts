import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { BLOCK_BYTES } from '../blocks.ts';
import type { FileBlock, Segment } from './segment.ts';

/** Blocks that a worker takes at a time: few enough to keep all busy, and enough that two of them share base blocks. */
const SEGMENT_BLOCKS = 8;

/** Threads that read, hash and encode blocks of files, each a run of blocks at a time. */
export class FilePool {
  readonly #workers = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #waiting: ((worker: Worker) => void)[] = [];
  #closed = false;

  /** @param threads one for each processor by default */
  constructor(threads = availableParallelism()) {
    for (let i = 0; i < threads; i++) this.#idle.push(this.#start());
  }

  /**
   * The file's blocks in order, each with its SHA-256 and, when an old version is given, a delta from the old block at
   * the same place and its neighbours. A delta may be as long as its block: the caller decides what to send.
   *
   * @param basePath the old version
   * @param known SHA-256 in hex of blocks that need no delta
   * @throws what opening or reading the files throws
   */
  async blocksOf(
    path: string,
    { basePath, known = new Set() }: { basePath?: string; known?: ReadonlySet<string> } = {},
  ): Promise<FileBlock[]> {
    const { size } = await stat(path);
    const segments: Promise<FileBlock[]>[] = [];
    for (let first = 0; first * BLOCK_BYTES < size; first += SEGMENT_BLOCKS) {
      segments.push(this.#run({ path, first, count: SEGMENT_BLOCKS, basePath, known }));
    }
    return (await Promise.all(segments)).flat();
  }

  /** Ends the threads; what they were doing fails. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url));
    this.#workers.add(worker);
    worker.once('exit', () => this.#workers.delete(worker));
    worker.unref();
    return worker;
  }

  async #run(segment: Segment): Promise<FileBlock[]> {
    const worker = this.#idle.pop() ?? (await new Promise<Worker>((resolve) => this.#waiting.push(resolve)));
    try {
      return await answer(worker, segment);
    } finally {
      const free = this.#workers.has(worker) || this.#closed ? worker : this.#start();
      const next = this.#waiting.shift();
      if (next) next(free);
      else this.#idle.push(free);
    }
  }
}

async function answer(worker: Worker, segment: Segment): Promise<FileBlock[]> {
  if (worker.threadId < 0) throw new Error('the pool is closed');
  const answered = new AbortController();
  const ended = once(worker, 'exit', answered).then(() => [
    { error: new Error('the thread that read the file ended') },
  ]);
  worker.ref();
  try {
    worker.postMessage(segment);
    const [{ blocks, error }] = await Promise.race([once(worker, 'message', answered), ended]);
    if (error) throw error;
    return blocks;
  } finally {
    answered.abort();
    worker.unref();
  }
}
