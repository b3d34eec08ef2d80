import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { treeHash } from '../../protocol/tree-hash.ts';
import { keptBytes } from '../shared/commit/room.ts';
import type { Namespace } from '../shared/database/rows.ts';
import { releaseBytes } from '../shared/tables/accounts.ts';
import { forgetEmptyDirectories, listItems, listStale, putTreeHashes } from '../shared/tables/directories.ts';

/** Directories that are hashed in one transaction: no longer than a second or two under the account's lock. */
const STEP = 2000;
/** Directories whose items are held in memory at once. */
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
      const items = await listItems(namespace, batch);
      const empty = batch.filter((directory) => !items.has(directory));
      if (empty.length > 0) gone += await forgetEmptyDirectories(namespace, empty);
      const hashes = batch.map((directory) => treeHash(items.get(directory) ?? [], sha256));
      await putTreeHashes(namespace, batch, hashes);
    }
  }
  if (gone > 0) await releaseBytes(namespace, [{ id: namespace.id, reserved: 0, kept: gone * keptBytes(0) }]);
  return stale.length < STEP;
}

/** What the root of a user who has no file hashes to. */
export const emptyTreeHash = treeHash([], sha256);

function depth(path: string): number {
  return path === '' ? 0 : path.split('/').length;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
