import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Every path below `folder`, sorted; directories end in a slash. */
export async function listing(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1) + (entry.isDirectory() ? '/' : ''))
    .filter((path) => !path.startsWith('.tidemark') && !path.includes('.tidemark-tmp'))
    .sort();
}

/** Paths, sizes and times in whole milliseconds as one string: cheap to compare while waiting for a folder to change. */
export async function outline(folder: string): Promise<string> {
  const paths = await listing(folder);
  const lines = paths.map(async (path) => {
    if (path.endsWith('/')) return path;
    const { size, mtimeNs } = await lstat(join(folder, path), { bigint: true });
    return `${path} ${size} ${mtimeNs / 1_000_000n}`;
  });
  return (await Promise.all(lines)).join('\n');
}

/** The first difference between two folders, byte by byte and mode by mode; `undefined` when they are identical. */
export async function firstDifference(one: string, other: string): Promise<string | undefined> {
  const [left, right] = [await listing(one), await listing(other)];
  const missing = left.find((path) => !right.includes(path)) ?? right.find((path) => !left.includes(path));
  if (missing !== undefined) return `${missing} is in one folder only`;
  for (const path of left) {
    const [a, b] = [join(one, path), join(other, path)];
    if ((await lstat(a)).mode !== (await lstat(b)).mode) return `${path} has another mode`;
    if (!path.endsWith('/') && (await digest(a)) !== (await digest(b))) return `${path} has other content`;
  }
  return undefined;
}

async function digest(path: string): Promise<string> {
  const isLink = (await lstat(path)).isSymbolicLink();
  return createHash('sha256')
    .update(isLink ? await readlink(path) : await readFile(path))
    .digest('hex');
}
