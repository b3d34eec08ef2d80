import type { PoolClient } from 'pg';
import { limits } from '../../../protocol/limits.ts';
import type { Sql } from '../database/rows.ts';

const IS_OVER = `c.since < now() - interval '1 day'`;
/** When the user's day began, and how many claims were taken in it. */
const SINCE = `case when ${IS_OVER} then now() else c.since end`;
const CLAIMED = `case when ${IS_OVER} then 0 else c.claimed end`;

/**
 * Takes so many of the claims that the user has left today, or as many as there are; answers how many. Each is a question
 * whether somebody stores a block. The user's row stays locked until the transaction ends.
 */
export async function takeClaims(sql: PoolClient, userId: string, wanted: number): Promise<number> {
  if (wanted === 0) return 0;
  if (wanted <= limits.claimsPerDay) {
    const { rowCount } = await sql.query(
      `insert into blocks.claims as c (user_id, claimed) values ($1, $2)
       on conflict (user_id) do update set since = ${SINCE}, claimed = ${CLAIMED} + $2 where ${CLAIMED} + $2 <= $3`,
      [userId, wanted, limits.claimsPerDay],
    );
    if (rowCount === 1) return wanted;
  }
  // Fewer are left, or more are wanted than anybody has.
  const { rows } = await sql.query<{ claimed: number }>(
    `insert into blocks.claims as c (user_id) values ($1)
     on conflict (user_id) do update
     set since = ${SINCE}, claimed = ${CLAIMED}
     returning claimed`,
    [userId],
  );
  const taken = Math.max(0, Math.min(wanted, limits.claimsPerDay - rows[0]!.claimed));
  await sql.query('update blocks.claims set claimed = claimed + $2 where user_id = $1', [userId, taken]);
  return taken;
}

/** The user has proved so many of the claims: who has what he asks about has learnt nothing. */
export async function returnClaims(sql: Sql, userId: string, proven: number): Promise<void> {
  if (proven === 0) return;
  await sql.query('update blocks.claims set claimed = greatest(claimed - $2, 0) where user_id = $1', [userId, proven]);
}
