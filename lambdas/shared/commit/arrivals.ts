import { transaction } from '../database/database.ts';
import type { Database } from '../database/rows.ts';
import { guardBlocks, markLive } from '../tables/blocks.ts';
import { type UploadKey, verifyPins } from '../tables/pins.ts';

/** A block whose content the upload's user has sent, by whatever way; its object is in the store. */
export interface Arrival {
  hash: string;
  size: number;
  /** Size of the delta that carried it. */
  deltaBytes?: number;
}

/** Notes that blocks of the upload are in the store, and that its user has their content. */
export async function noteArrivals(blocks: Database, key: UploadKey, arrivals: readonly Arrival[]): Promise<void> {
  if (arrivals.length === 0) return;
  await transaction(blocks, async (sql) => {
    const found = await guardBlocks(
      sql,
      arrivals.map(({ hash }) => hash),
    );
    await markLive(
      sql,
      arrivals.filter(({ hash }) => found.get(hash)?.state !== 'live'),
    );
    await verifyPins(sql, key, arrivals);
  });
}
