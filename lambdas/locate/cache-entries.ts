import { createHash, randomUUID } from 'node:crypto';
import type { CacheEntry } from '../../protocol/internal/locate.ts';
import type { Database } from '../shared/database/rows.ts';
import { findEntries } from '../shared/tables/renewed.ts';

/**
 * The entry of each block: another one since its content was healed; one of its own for each block that arrived damaged,
 * which no cache can have yet; and with `userId`, one that no other user shares, since whether a cache has a block, and
 * for how long, tells that somebody has read it.
 */
export async function cacheEntries(
  blocks: Database,
  hashes: readonly string[],
  { damaged, userId }: { damaged: ReadonlySet<string>; userId?: string },
): Promise<CacheEntry[]> {
  const renewed = await findEntries(blocks, hashes);
  return hashes.map((hash) => {
    if (damaged.has(hash)) return { hash, entry: randomUUID() };
    const entry = renewed.get(hash);
    if (userId !== undefined) return { hash, entry: digest(`${userId} ${entry ?? ''}`) };
    return entry === undefined ? { hash } : { hash, entry };
  });
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
