import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { BLOCK_BYTES } from '../blocks.ts';
import type { FoundBlock, Search } from './find-block.ts';
import { basesAround, type FileBlock, type OldBlock, readSegment, type Segment, type WantedBlock } from './segment.ts';
import { startWorker } from './start-worker.ts';

/** Blocks that a thread takes at a time: few enough to keep all of them busy. */
const SEGMENT_BLOCKS = 8;

/** Bytes that are read on the calling thread before others are started, which takes longer than hashing so much. */
const BYTES_BEFORE_THREADS = 16 * BLOCK_BYTES;

interface Waiting {
  readonly resolve: (worker: Worker) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Threads that read, find, hash and encode blocks of files. They start once there is enough to do for them, and until one
 * of them is ready the calling thread goes on.
 */
export class FilePool {
  readonly #threads: number;
  readonly #workers = new Set<Worker>();
  readonly #ready = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #waiting: Waiting[] = [];
  #bytesHere = 0;
  #closed = false;

  /** @param threads one for each processor by default */
  constructor(threads = availableParallelism()) {
    this.#threads = threads;
  }

  /**
   * Some blocks of a file, in the order asked for, each with its SHA-256 and, when it names an old block that is given, a
   * delta from that, or from it and its neighbours.
   *
   * @param file descriptor of the file, to be kept open until this ends
   * @param blocks where they lie; one beyond the file's end is empty
   * @param old blocks of the old version by their numbers; one that cannot be read counts as missing
   * @throws what reading the file throws
   */
  async blocksOf(
    file: number,
    blocks: readonly WantedBlock[],
    old?: ReadonlyMap<number, OldBlock>,
  ): Promise<FileBlock[]> {
    return this.#read({ file, blocks, old });
  }

  /** As `blocksOf`, each with its sketch in place of a delta. */
  async sketchesOf(file: number, blocks: readonly WantedBlock[]): Promise<FileBlock[]> {
    return this.#read({ file, blocks, isSketched: true });
  }

  async #read({ blocks, old, ...rest }: Segment): Promise<FileBlock[]> {
    const here: FileBlock[] = [];
    while (here.length < blocks.length && this.#ready.size === 0) {
      this.#demandOpen();
      if (this.#bytesHere >= BYTES_BEFORE_THREADS) this.#startFor(blocks.length - here.length);
      const [block] = readSegment({ ...rest, blocks: blocks.slice(here.length, here.length + 1), old });
      this.#bytesHere += block!.size;
      here.push(block!);
      await setImmediate();
    }
    const segments: Promise<FileBlock[]>[] = [];
    const most = Math.min(SEGMENT_BLOCKS, Math.ceil((blocks.length - here.length) / this.#threads));
    for (let from = here.length; from < blocks.length; from += most) {
      const part = blocks.slice(from, from + most);
      segments.push(this.#run({ ...rest, blocks: part, old: old && near(part, old) }));
    }
    const there = await Promise.allSettled(segments);
    const failed = there.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return [...here, ...there.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))];
  }

  /**
   * The first of some blocks that a file has, as `findBlock`, always on another thread.
   *
   * @throws what reading the file throws
   */
  async find(search: Search): Promise<FoundBlock | undefined> {
    return this.#run(search);
  }

  /** Ends the threads; what they were doing fails. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(closed());
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }

  #demandOpen(): void {
    if (this.#closed) throw closed();
  }

  /** Starts threads until there are enough for so many tasks. */
  #startFor(tasks: number): void {
    while (this.#workers.size < Math.min(this.#threads, tasks)) this.#start();
  }

  #start(): void {
    const worker = startWorker();
    this.#workers.add(worker);
    worker.once('exit', () => {
      this.#workers.delete(worker);
      this.#ready.delete(worker);
    });
    message(worker).then(
      () => {
        this.#ready.add(worker);
        this.#give(worker);
      },
      (error) => this.#waiting.shift()?.reject(error),
    );
  }

  #run(task: Segment): Promise<FileBlock[]>;
  #run(task: Search): Promise<FoundBlock | undefined>;
  async #run(task: Segment | Search): Promise<unknown> {
    this.#demandOpen();
    const worker = await this.#take();
    try {
      this.#demandOpen();
      return await answer(worker, task);
    } finally {
      this.#give(worker);
    }
  }

  #take(): Worker | Promise<Worker> {
    const idle = this.#idle.pop();
    if (idle) return idle;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#workers.size < this.#threads) this.#start();
    });
  }

  /** Passes a worker on; one that ended is replaced. */
  #give(worker: Worker): void {
    const isAlive = this.#workers.has(worker);
    if (this.#waiting.length === 0) {
      if (isAlive) this.#idle.push(worker);
    } else if (isAlive) this.#waiting.shift()!.resolve(worker);
    else if (!this.#closed) this.#start();
  }
}

const closed = (): Error => new Error('the pool is closed');

/** The old blocks that deltas of these blocks may need. */
function near(blocks: readonly WantedBlock[], old: ReadonlyMap<number, OldBlock>): Map<number, OldBlock> {
  const found = new Map<number, OldBlock>();
  for (const { from } of blocks) {
    if (from === undefined) continue;
    const { first, count } = basesAround(old, from);
    for (let number = first; number < first + count; number++) found.set(number, old.get(number)!);
  }
  return found;
}

async function answer(worker: Worker, task: Segment | Search): Promise<unknown> {
  worker.postMessage(task);
  const { result, error, properties } = await message(worker);
  if (error) throw Object.assign(error, properties);
  return result;
}

/** What a worker says next: at first that it is ready. */
async function message(worker: Worker): Promise<{ result?: unknown; error?: Error; properties?: object }> {
  const heard = new AbortController();
  const ended = once(worker, 'exit', heard).then(() => {
    throw new Error('the thread that read the file ended');
  });
  worker.ref();
  try {
    const [said] = await Promise.race([once(worker, 'message', heard), ended]);
    return said;
  } finally {
    heard.abort();
    worker.unref();
  }
}
