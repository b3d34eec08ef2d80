import { type FileHandle, open } from 'node:fs/promises';
import { onTestFinished } from 'vitest';

/**
 * Has something done before any file or directory is flushed, until the test ends; what it throws, the flush throws.
 * @param place anything that can be opened
 */
export async function atFlush(place: string, before: (flushed: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(place);
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { sync: flush } = prototype;
  prototype.sync = async function (this: FileHandle) {
    await before(this);
    await flush.call(this);
  };
  onTestFinished(() => {
    prototype.sync = flush;
  });
}
