import { setImmediate } from 'node:timers/promises';

/** Work without a pause for so long, ms, holds nothing else up that anybody would notice. */
const TURN_MS = 10;

/**
 * Quick work on this thread that lets everything else have its turn every few milliseconds: a call that waits for no disk
 * costs a tenth of one that is handed to another thread and back.
 */
export class Turns {
  #begun = performance.now();

  /** Goes on at once, or when all others had their turn. To be called between any two calls that may take long together. */
  async next(): Promise<void> {
    if (performance.now() - this.#begun < TURN_MS) return;
    await setImmediate();
    this.#begun = performance.now();
  }
}

/** Does quick work for each item, in turns. Never rejects. */
export async function inTurns<Item, Result>(
  items: Iterable<Item>,
  work: (item: Item) => Result,
): Promise<PromiseSettledResult<Result>[]> {
  const results: PromiseSettledResult<Result>[] = [];
  const turns = new Turns();
  for (const item of items) {
    try {
      results.push({ status: 'fulfilled', value: work(item) });
    } catch (reason) {
      results.push({ status: 'rejected', reason });
    }
    await turns.next();
  }
  return results;
}

/** The value of what went well before; throws why it did not. */
export function outcomeOf<Value>(result: PromiseSettledResult<Value>): Value {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}
