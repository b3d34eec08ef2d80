import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamRecord } from '../../types.ts';

const RETRY_MS = { first: 250, most: 10_000 };

export interface Source {
  /** Records from the group's committed positions on, in order within each partition. */
  fetch(maxRecords: number): Promise<StreamRecord[]>;
  commit(records: readonly StreamRecord[]): Promise<void>;
  /** Resolves when something may have been appended since it was called, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Sleeps unless stopped; answers whether it was stopped. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/**
 * Hands batches to a handler, one at a time: waits for a record, then up to `windowMs` for more, delivers at most
 * `maxRecords`, and commits when the handler resolves. A rejected batch is read and delivered again after a pause, so
 * every record arrives at least once and in the order of its partition.
 */
export function runConsumer(
  source: Source,
  options: { readonly maxRecords: number; readonly windowMs: number },
  handler: (records: readonly StreamRecord[]) => Promise<void>,
  report: (error: unknown) => void,
): { stop(): Promise<void> } {
  const abort = new AbortController();
  const { signal } = abort;

  const turn = async (): Promise<void> => {
    const appended = source.wait(signal); // before the fetch, so that nothing slips in between
    let records = await source.fetch(options.maxRecords);
    if (records.length === 0) return appended;
    if (options.windowMs > 0 && records.length < options.maxRecords) {
      await pause(options.windowMs, signal);
      records = await source.fetch(options.maxRecords);
    }
    if (signal.aborted) return;
    await handler(records);
    await source.commit(records);
  };

  const run = async (): Promise<void> => {
    let delay = RETRY_MS.first;
    while (!signal.aborted) {
      try {
        await turn();
        delay = RETRY_MS.first;
      } catch (error) {
        if (signal.aborted) return;
        report(error);
        await pause(delay, signal);
        delay = Math.min(delay * 2, RETRY_MS.most);
      }
    }
  };

  const running = run();
  return {
    async stop() {
      abort.abort();
      await running;
    },
  };
}
