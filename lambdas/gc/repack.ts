import { createHash } from 'node:crypto';
import { storePack } from '../shared/commit/packs.ts';
import { transaction } from '../shared/database/database.ts';
import type { Database } from '../shared/database/rows.ts';
import { readBlock } from '../shared/store/block-store.ts';
import { guardBlocks, isStored, lockBlocks } from '../shared/tables/blocks.ts';
import { shiftContents } from '../shared/tables/contents.ts';
import { keepPacks, leavePacks, listSparse, type SparsePack } from '../shared/tables/packs.ts';

/**
 * Stores what is left of packs anew where that is less than half of them. The old one is unused from then on, and stays
 * for a while, since devices have its URL and backups its name. A pack that a run did not come to waits until it loses
 * more.
 * @param until when to stop, in milliseconds since 1970
 */
export async function repack(blocks: Database, packs: readonly string[], until: number): Promise<void> {
  for (const sparse of await listSparse(blocks, packs)) {
    if (Date.now() >= until) return;
    await replace(blocks, sparse);
  }
}

async function replace(blocks: Database, { pack, contents }: SparsePack): Promise<void> {
  const old = await readBlock(pack);
  // What is damaged is for the audit to find.
  if (!old || createHash('sha256').update(old.content).digest('hex') !== pack) return;
  const encoded = contents.map(({ hash, at, bytes }) => ({ hash, encoded: old.content.subarray(at, at + bytes) }));
  const moved = await storePack(blocks, encoded);
  await transaction(blocks, async (sql) => {
    const made = moved[0]!.part.pack;
    if (!isStored((await guardBlocks(sql, [made])).get(made))) return;
    await lockBlocks(
      sql,
      contents.map(({ hash }) => hash),
    );
    await shiftContents(sql, pack, moved);
    await keepPacks(sql, [made]);
    await leavePacks(sql, [pack]);
  });
}
