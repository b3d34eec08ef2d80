import type { PoolClient } from 'pg';
import { transaction } from '../database/database.ts';
import type { Database } from '../database/rows.ts';
import { type BlockRow, guardBlocks, markLive } from '../tables/blocks.ts';
import { listKept, type UploadKey, verifyPins } from '../tables/pins.ts';

/** A block whose content the upload's user has sent, by whatever way; its object is in the store. */
export interface Arrival {
  hash: string;
  size: number;
  /** Size of the delta that carried it. */
  deltaBytes?: number;
}

/**
 * Notes that blocks of the upload are in the store, and that its user has their content. Where the upload's pin keeps a
 * block no longer, and its objects may be going, it did not arrive: upload-init asks for its content again.
 */
export async function noteArrivals(blocks: Database, key: UploadKey, arrivals: readonly Arrival[]): Promise<void> {
  if (arrivals.length === 0) return;
  await transaction(blocks, async (sql) => {
    const { found, staying } = await guardUpload(sql, key, arrivals);
    await markLive(
      sql,
      staying.filter(({ hash }) => found.get(hash)?.state !== 'live'),
    );
    await verifyPins(sql, key, staying);
  });
}

/** Notes that the user has the content of blocks which others stored, but for those that are going. */
export async function noteShown(
  blocks: Database,
  key: UploadKey,
  shown: readonly Pick<Arrival, 'hash' | 'deltaBytes'>[],
): Promise<void> {
  if (shown.length === 0) return;
  await transaction(blocks, async (sql) => {
    const { staying } = await guardUpload(sql, key, shown);
    await verifyPins(sql, key, staying);
  });
}

/** States in which nothing deletes a block's objects, whether or not a pin keeps it. */
const AT_REST: readonly (string | undefined)[] = ['live', 'condemned', 'quarantined'];

/** Keeps collection away from blocks, and tells those whose objects stay. */
async function guardUpload<Block extends { hash: string }>(
  sql: PoolClient,
  key: UploadKey,
  blocks: readonly Block[],
): Promise<{ found: Map<string, BlockRow>; staying: Block[] }> {
  const hashes = blocks.map(({ hash }) => hash);
  const found = await guardBlocks(sql, hashes);
  const kept = await listKept(sql, key, hashes);
  return {
    found,
    staying: blocks.filter(({ hash }) => kept.has(hash) || AT_REST.includes(found.get(hash)?.state)),
  };
}
