import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { treeHash, treeLines } from '../../protocol/tree-hash.ts';
import { keptBytes } from '../shared/commit/room.ts';
import type { Namespace } from '../shared/database/rows.ts';
import { releaseBytes } from '../shared/tables/accounts.ts';
import {
  forgetEmptyDirectories,
  itemsInPages,
  listItems,
  listStale,
  putTreeHashes,
} from '../shared/tables/directories.ts';

/** Directories that are hashed in one transaction: no longer than a second or two under the account's lock. */
const STEP = 2000;
/** Directories whose items are read together. */
const BATCH = 200;

/**
 * Computes the hash of directories at or below `path` that have none, the deepest first. Returns whether all have one
 * now; otherwise another call goes on. Needs the account's lock.
 */
export async function hashStaleDirectories(namespace: Namespace<PoolClient>, path: string): Promise<boolean> {
  const stale = await listStale(namespace, path, STEP);
  let gone = 0;
  const byDepth = Map.groupBy(stale, depth);
  for (const level of [...byDepth.keys()].sort((one, other) => other - one)) {
    const directories = byDepth.get(level)!;
    for (let start = 0; start < directories.length; start += BATCH) {
      const batch = directories.slice(start, start + BATCH);
      const hashes = await hashesOf(namespace, batch);
      const empty = batch.filter((directory) => !hashes.has(directory));
      if (empty.length > 0) gone += await forgetEmptyDirectories(namespace, empty);
      const all = batch.map((directory) => hashes.get(directory) ?? emptyTreeHash);
      await putTreeHashes(namespace, batch, all);
    }
  }
  if (gone > 0) await releaseBytes(namespace, [{ id: namespace.id, reserved: 0, kept: gone * keptBytes(0) }]);
  return stale.length < STEP;
}

/** Of those in which something lies. However much that is, no more of it is in memory than one statement lists. */
async function hashesOf(namespace: Namespace, directories: readonly string[]): Promise<Map<string, string>> {
  const items = await listItems(namespace, directories);
  if (items) return new Map([...items].map(([directory, lying]) => [directory, treeHash(lying, sha256)]));
  const hashes = new Map<string, string>();
  for (const directory of directories) {
    const hash = createHash('sha256');
    let isEmpty = true;
    for await (const page of itemsInPages(namespace, directory)) {
      hash.update(treeLines(page));
      isEmpty &&= page.length === 0;
    }
    if (!isEmpty) hashes.set(directory, hash.digest('hex'));
  }
  return hashes;
}

/** What a directory hashes to in which nothing lies. */
export const emptyTreeHash = treeHash([], sha256);

function depth(path: string): number {
  return path === '' ? 0 : path.split('/').length;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
