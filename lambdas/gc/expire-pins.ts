import type { Database } from '../shared/database/rows.ts';

/** A pin of a session that is over. */
export const EXPIRED_PIN = 'expires_at < now()';

/** Removes some of these. Answers how many. */
export async function removeExpiredPins(blocks: Database, limit: number): Promise<number> {
  const { rowCount } = await blocks.query(
    `delete from blocks.pins where (user_id, upload_id, block_hash) in (
       select user_id, upload_id, block_hash from blocks.pins
       where ${EXPIRED_PIN} order by expires_at limit $1 for update skip locked)`,
    [limit],
  );
  return rowCount ?? 0;
}
