/** What one batch may hold at most: items, or what `of` says that each of them weighs. */
export interface BatchLimit<Item> {
  readonly most: number;
  readonly of?: (item: Item) => number;
}

/** Cuts items into batches that stay within all limits, in order. One that alone is beyond a limit is a batch of its own. */
export function* batched<Item>(items: Iterable<Item>, ...limits: readonly BatchLimit<Item>[]): Generator<Item[]> {
  let batch: Item[] = [];
  let used = limits.map(() => 0);
  for (const item of items) {
    const weights = limits.map(({ of }) => of?.(item) ?? 1);
    if (batch.length > 0 && limits.some(({ most }, index) => used[index]! + weights[index]! > most)) {
      yield batch;
      batch = [];
      used = limits.map(() => 0);
    }
    batch.push(item);
    used = used.map((sum, index) => sum + weights[index]!);
  }
  if (batch.length > 0) yield batch;
}
