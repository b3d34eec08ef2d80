import { setImmediate as settled } from 'node:timers/promises';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Time that passes when everybody waits for it: to the next moment for which somebody does. */
export class VirtualTime {
  #now = 0;
  /** A heap: whoever waits for the earliest moment is at 0, and nobody at `n` is later than those at `2n + 1` and `2n + 2`. */
  readonly #sleepers: Sleeper[] = [];

  /** Milliseconds since the beginning. */
  readonly now = (): number => this.#now;

  readonly sleep = (milliseconds: number): Promise<void> =>
    new Promise((wake) => this.#add({ at: this.#now + milliseconds, wake }));

  /** Lets time pass until nobody waits any more, or `until` says so. */
  async run(until: () => boolean): Promise<void> {
    // What was begun before the first wait.
    await settled();
    while (this.#sleepers.length > 0 && !until()) {
      const { at, wake } = this.#takeFirst();
      this.#now = at;
      wake();
      // All that follows from it up to the next wait.
      await settled();
    }
  }

  #add(sleeper: Sleeper): void {
    const heap = this.#sleepers;
    let at = heap.push(sleeper) - 1;
    for (let above = (at - 1) >> 1; at > 0 && heap[above]!.at > sleeper.at; above = (at - 1) >> 1) {
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = sleeper;
  }

  #takeFirst(): Sleeper {
    const heap = this.#sleepers;
    const [first, last] = [heap[0]!, heap.pop()!];
    if (heap.length === 0) return first;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && heap[below + 1]!.at < heap[below]!.at) below++;
      if (heap[below]!.at >= last.at) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}
