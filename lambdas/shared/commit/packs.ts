import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { Block } from '../../../protocol/entry.ts';
import { transaction } from '../database/database.ts';
import type { Database } from '../database/rows.ts';
import { writeBlock } from '../store/block-store.ts';
import { expectObjects, guardBlocks, reviveBlocks } from '../tables/blocks.ts';
import type { Content, PackedContent } from '../tables/contents.ts';
import { guardAll } from '../tables/guard-all.ts';
import { startGrace } from '../tables/packs.ts';
import { noteObjects } from './arrivals.ts';

/** From here on the packs may come; the transaction has done nothing yet. */
export async function expectPacks(sql: PoolClient, packs: readonly Block[]): Promise<void> {
  const rows = await guardAll(sql, packs, 'object', guardBlocks);
  await expectObjects(
    sql,
    packs.map(({ hash }) => hash),
  );
  await reviveBlocks(sql, [...rows.values()]);
}

/**
 * Stores contents of one user, 4 MiB at most, one after the other as a block. It stays for the grace period, and longer
 * where rows say that contents lie in it. Answers where each lies.
 */
export async function storePack<Sent extends Content>(
  blocks: Database,
  contents: readonly Sent[],
): Promise<(Omit<Sent, keyof PackedContent> & PackedContent)[]> {
  if (contents.length === 0) return [];
  const bytes = Buffer.concat(contents.map(({ encoded }) => encoded));
  const pack = { hash: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
  await transaction(blocks, async (sql) => {
    await expectPacks(sql, [pack]);
    await startGrace(sql, [pack.hash]);
  });
  const version = await writeBlock(pack.hash, bytes);
  await transaction(blocks, async (sql) =>
    noteObjects(sql, await guardBlocks(sql, [pack.hash]), [{ ...pack, version }]),
  );
  let end = 0;
  return contents.map((content) => {
    const at = end;
    const bytes = content.encoded.length;
    end += bytes;
    return { ...content, encoded: null, part: { pack: pack.hash, at, bytes } };
  });
}
