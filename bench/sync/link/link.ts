import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** A link with so many milliseconds there and back, and so many million bits a second each way. */
export interface Link {
  readonly rttMs: number;
  readonly mbit: number;
}

/** What the worker opens: for each port a relay, all of them over one link. */
export interface Way {
  readonly link: Link;
  readonly targets: readonly number[];
}

/**
 * Puts a link between one device and ports of this machine, by relays on a thread of their own.
 * @returns for each port the one that leads to it over the link
 */
export async function openLink(way: Way, undo: AsyncDisposableStack): Promise<ReadonlyMap<number, number>> {
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: way });
  undo.defer(async () => void (await worker.terminate()));
  const [ports] = (await once(worker, 'message')) as [readonly number[]];
  return new Map(way.targets.map((target, index) => [target, ports[index]!]));
}
