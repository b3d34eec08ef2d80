import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from './errors.ts';

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

/** Removes an unfinished file, if the disk lets it. */
export async function discard(temporary: string): Promise<void> {
  await rm(temporary, { force: true }).catch(() => undefined);
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

/** Answers of file systems that do not flush directories. */
const noFlush: readonly (string | undefined)[] = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];
