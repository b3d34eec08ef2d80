import { batched } from '../common/batched.ts';
import type { State } from './state.ts';

/** Items of one transaction, which keeps what was before at each path until it ends. */
const TOGETHER = 10_000;

/** Does the work for each item, in transactions of so many. When one of them fails, those before it stay. */
export function inParts<Item>(
  state: Pick<State, 'transaction'>,
  items: Iterable<Item>,
  work: (item: Item) => void,
): void {
  for (const some of batched(items, { most: TOGETHER })) {
    state.transaction(() => {
      for (const item of some) work(item);
    });
  }
}
