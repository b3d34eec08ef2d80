import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The absolute paths of all files below a folder, whatever they are for. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}
