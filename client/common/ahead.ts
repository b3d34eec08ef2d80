/**
 * Gives what `items` gives, and begins to make the next one before it hands one out. A failure is thrown when its turn
 * comes. Whoever leaves early waits until what was begun has ended, so that nothing goes on behind his back.
 */
export async function* ahead<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item, void> {
  const iterator = items[Symbol.asyncIterator]();
  const begin = (): Promise<IteratorResult<Item>> => {
    const next = iterator.next();
    next.catch(() => undefined);
    return next;
  };
  let next = begin();
  try {
    for (let item = await next; !item.done; item = await next) {
      next = begin();
      yield item.value;
    }
  } finally {
    await next.catch(() => undefined);
    await iterator.return?.();
  }
}
