import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listing } from '../demo/tour/folders.ts';

/** SHA-256 of each file of a folder, by path. */
export type Contents = ReadonlyMap<string, string>;

export async function contentsOf(folder: string): Promise<Contents> {
  const files = (await listing(folder)).filter((path) => !path.endsWith('/'));
  const hash = async (path: string) =>
    createHash('sha256')
      .update(await readFile(join(folder, path)))
      .digest('hex');
  return new Map(await Promise.all(files.map(async (path) => [path, await hash(path)] as const)));
}

export function isConflictCopy(path: string): boolean {
  return path.includes('conflicted copy');
}

/**
 * Paths of which a content that a device had is in no file any more.
 * @param known contents that an edit may have replaced, since the service keeps them as earlier versions
 */
export function lost(held: readonly Contents[], final: Contents, known: ReadonlySet<string>): string[] {
  const there = new Set([...final.values(), ...known]);
  const gone = held.flatMap((contents) => [...contents].filter(([, hash]) => !there.has(hash)));
  return [...new Set(gone.map(([path]) => path))].sort();
}
