import pMap from 'p-map';

/**
 * Runs `work` for every item, up to `concurrency` at a time. After a failure no more are started, and the signal tells
 * those that run to stop; once they have, the failure is thrown, so that nothing goes on behind the caller's back.
 *
 * @param signal ends all of it from outside
 */
export async function each<Item>(
  items: Iterable<Item>,
  { concurrency, signal }: { readonly concurrency: number; readonly signal?: AbortSignal },
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  let failure: { readonly error: unknown } | undefined;
  const run = async (item: Item): Promise<void> => {
    if (failure) return;
    try {
      either.throwIfAborted();
      await work(item, either);
    } catch (error) {
      failure ??= { error };
      failed.abort();
    }
  };
  await pMap(items, run, { concurrency });
  if (failure) throw failure.error;
}
