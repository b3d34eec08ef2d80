import { setImmediate } from 'node:timers/promises';

/** Work without a pause for so long, ms, holds nothing else up that anybody would notice. */
const TURN_MS = 10;

/**
 * Does quick work for each item on this thread, and lets everything else have its turn every few milliseconds: a call
 * that waits for no disk costs a tenth of one that is handed to another thread and back. Never rejects.
 */
export async function inTurns<Item, Result>(
  items: Iterable<Item>,
  work: (item: Item) => Result,
): Promise<PromiseSettledResult<Result>[]> {
  const results: PromiseSettledResult<Result>[] = [];
  let begun = performance.now();
  for (const item of items) {
    try {
      results.push({ status: 'fulfilled', value: work(item) });
    } catch (reason) {
      results.push({ status: 'rejected', reason });
    }
    if (performance.now() - begun < TURN_MS) continue;
    await setImmediate();
    begun = performance.now();
  }
  return results;
}

/** The value of what went well before; throws why it did not. */
export function outcomeOf<Value>(result: PromiseSettledResult<Value>): Value {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}
