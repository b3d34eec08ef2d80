import type { PoolClient } from 'pg';
import type { Shard } from '../shared/database/rows.ts';
import { lockAccounts, noteForgotten } from '../shared/tables/accounts.ts';
import { removeOldChanges } from '../shared/tables/changes.ts';

/** Forgets some changes from before the history's time; a cursor from before them is gone. Returns how many. */
export async function forgetChanges(shard: Shard<PoolClient>, limit: number): Promise<number> {
  const gone = await removeOldChanges(shard, limit);
  await lockAccounts(
    shard,
    gone.map(({ id }) => id),
  );
  await noteForgotten(shard, gone);
  return gone.length;
}
