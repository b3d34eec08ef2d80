import { lstat, truncate } from 'node:fs/promises';
import pMap from 'p-map';
import { filesBelow } from '../files-below.ts';

const AT_ONCE = 16;

/**
 * Empties the files of a folder that nobody needs any more, and leaves them where they are: ext4 gives numbers of files
 * that were deleted in the last minutes to no others, and passes them one by one for each that is made, so that what is
 * measured next would pay for the deletion. Files with another name elsewhere stay as they are.
 */
export async function setAside(folder: string): Promise<void> {
  const files = await filesBelow(folder).catch(() => []);
  const empty = async (file: string): Promise<void> => {
    const { size, nlink } = await lstat(file);
    if (size > 0 && nlink === 1) await truncate(file);
  };
  // What cannot be emptied only takes room until all is removed.
  await pMap(files, (file) => empty(file).catch(() => undefined), { concurrency: AT_ONCE });
}
