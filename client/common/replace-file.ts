import { unlinkSync } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import pMap from 'p-map';
import { diskReason, LocalTrouble, systemCode } from './errors.ts';
import { POOL_THREADS } from './pool-threads.ts';

/** Replaces a small file in one step, flushed; on any failure the old one stays. */
export async function replaceFile(place: string, content: string | Uint8Array, mode: number): Promise<void> {
  const temporary = `${place}.new-${process.pid}`;
  try {
    await writeFile(temporary, content, { mode, flush: true });
    await rename(temporary, place);
  } catch (error) {
    await discard(temporary);
    throw error;
  }
  await flushDirectory(dirname(place));
}

/**
 * The same for a file of which the user should know when the disk does not take it; makes its folder where there is none.
 * @throws LocalTrouble
 */
export async function storeFile(
  place: string,
  content: string | Uint8Array,
  mode: number,
  folderMode?: number,
): Promise<void> {
  try {
    await mkdir(dirname(place), { recursive: true, ...(folderMode !== undefined && { mode: folderMode }) });
    await replaceFile(place, content, mode);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new LocalTrouble(`${place} cannot be written: ${diskReason(error)}`, { cause: error });
  }
}

/** Removes an unfinished file, if the disk lets it. */
export async function discard(temporary: string): Promise<void> {
  await rm(temporary, { force: true }).catch(() => undefined);
}

/** As `discard`, on this thread. */
export function discardNow(temporary: string): void {
  try {
    unlinkSync(temporary);
  } catch {
    // The next start removes it.
  }
}

/** Makes sure that names in the directory survive a power cut, where the file system can. */
export async function flushDirectory(place: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(place, 'r');
  try {
    await directory.sync();
  } catch (error) {
    if (!noFlush.includes(systemCode(error))) throw error;
  } finally {
    await directory.close();
  }
}

/** Flushes directories, each once. Answers how each went. */
export async function flushDirectories(places: Iterable<string>): Promise<Map<string, PromiseSettledResult<void>>> {
  const flushed = await pMap(
    new Set(places),
    async (place) => {
      const [result] = await Promise.allSettled([flushDirectory(place)]);
      return [place, result] as const;
    },
    { concurrency: POOL_THREADS },
  );
  return new Map(flushed);
}

/** Answers of file systems that do not flush directories. */
const noFlush: readonly (string | undefined)[] = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];
