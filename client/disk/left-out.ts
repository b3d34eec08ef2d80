import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ancestors, pathInside } from '../../protocol/path.ts';
import { isDirectory, type Trees } from '../plan/tree.ts';
import type { Exclusion, Ignores } from './ignore.ts';

/** A path that a rule leaves out; a directory stands for all that is in it. */
export interface LeftOutPath extends Exclusion {
  readonly path: string;
  /** Whether it is on this disk; if not, the service has it. */
  readonly here: boolean;
}

/** What rules leave out of a folder, here and at the service, sorted by path. The client's own files are not listed. */
export async function listLeftOut(root: string, trees: Trees, ignores: Ignores): Promise<LeftOutPath[]> {
  const found = new Map<string, LeftOutPath>();
  const directories = [''];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    // What cannot be listed is among the problems.
    const entries = await readdir(join(root, directory), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = pathInside(directory, entry.name);
      const by = ignores(path, entry.isDirectory());
      if (by) found.set(path, { path, ...by, here: true });
      else if (entry.isDirectory()) directories.push(path);
    }
  }
  const isFolder = (at: string): boolean => isDirectory(trees, at);
  for (const path of trees.remote.keys()) {
    const by = exclusionOf(path, isFolder, ignores);
    if (by && !found.has(by.path)) found.set(by.path, { ...by, here: false });
  }
  return [...found.values()].filter(({ rule }) => rule !== '').sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** Which rule leaves a path out, if one does, and with which path: a directory that it names stands for all that is in it. */
export function exclusionOf(
  path: string,
  isFolder: (path: string) => boolean,
  ignores: Ignores,
): (Exclusion & { readonly path: string }) | undefined {
  if (!ignores(path, isFolder(path))) return undefined;
  for (const at of [...ancestors(path).reverse(), path]) {
    const by = ignores(at, at !== path || isFolder(at));
    if (by) return { path: at, ...by };
  }
  return undefined;
}

/** Directories that were deleted elsewhere and stay here for what is not synced, topmost only. */
export function listLeftovers({ local, synced }: Pick<Trees, 'local' | 'synced'>): string[] {
  const all = new Set([...local].filter(([path, { leftover }]) => leftover && !synced.has(path)).map(([path]) => path));
  return [...all].filter((path) => !ancestors(path).some((above) => all.has(above))).sort();
}
