import pMap from 'p-map';

/**
 * Runs `work` for every item, up to `concurrency` at a time. After a failure no more are started, and the signal tells
 * those that run to stop; once they have, the failure is thrown, so that nothing goes on behind the caller's back.
 *
 * @param items or what gives them as they come, and ends soon after its signal fires
 * @param signal ends all of it from outside
 */
export async function each<Item>(
  items: Iterable<Item> | AsyncIterable<Item> | ((signal: AbortSignal) => AsyncIterable<Item>),
  { concurrency, signal }: { readonly concurrency: number; readonly signal?: AbortSignal },
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  let failure: { readonly error: unknown } | undefined;
  async function* untilFailure(): AsyncGenerator<Item> {
    for await (const item of typeof items === 'function' ? items(either) : items) {
      if (failure) return;
      yield item;
    }
  }
  const run = async (item: Item): Promise<void> => {
    try {
      either.throwIfAborted();
      await work(item, either);
    } catch (error) {
      failure ??= { error };
      failed.abort();
    }
  };
  await pMap(untilFailure(), run, { concurrency });
  if (failure) throw failure.error;
}
