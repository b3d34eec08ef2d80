import { type Database, transaction } from '../database/database.ts';
import { guardBlocks, markLive } from '../tables/blocks.ts';
import { type Session, verifyPins } from '../tables/pins.ts';

/** A block whose content the session's user has sent, by whatever way; its object is in the store. */
export interface Arrival {
  hash: string;
  size: number;
  /** Size of the delta that carried it. */
  deltaBytes?: number;
}

/** Notes that blocks of the session are in the store, and that its user has their content. */
export async function noteArrivals(blocks: Database, session: Session, arrivals: readonly Arrival[]): Promise<void> {
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
    await verifyPins(sql, session, arrivals);
  });
}
