import { Worker } from 'node:worker_threads';

/** A thread that reads, hashes and encodes blocks. A build puts the worker's code in the place of this file. */
export function startWorker(): Worker {
  return new Worker(new URL('./worker.ts', import.meta.url));
}
