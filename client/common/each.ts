import pMap from 'p-map';

/**
 * Runs `work` for every item, up to `concurrency` at a time. After a failure no more are started; once those that run
 * have ended, it is thrown, so that nothing goes on behind the caller's back.
 */
export async function each<Item>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const run = async (item: Item): Promise<void> => {
    if (failure) return;
    try {
      await work(item);
    } catch (error) {
      failure ??= { error };
    }
  };
  await pMap(items, run, { concurrency });
  if (failure) throw failure.error;
}
