import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stateFolder } from '../../../protocol/reserved-name.ts';
import { sha256 } from './edit.ts';

/** Contents by their paths; a directory is one. */
export type Contents = ReadonlyMap<string, string>;

/** What a directory has in place of a content. */
export const DIRECTORY = 'a directory';

/** The SHA-256 of every file of a synced folder by its path, and directories. */
export async function contentsOf(folder: string): Promise<Contents> {
  const found: [string, string][] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const place = join(entry.parentPath, entry.name);
    const path = place.slice(folder.length + 1);
    if (!path.startsWith(stateFolder)) found.push([path, entry.isFile() ? sha256(await readFile(place)) : DIRECTORY]);
  }
  return new Map(found.sort());
}

/** Those of files. */
export function filesOf(contents: Contents): Set<string> {
  return new Set([...contents.values()].filter((content) => content !== DIRECTORY));
}
