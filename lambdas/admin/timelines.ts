import type { Clusters } from '../shared/database/database.ts';
import { beginTimelines } from '../shared/tables/accounts.ts';

/** Gives every account another timeline, so that its devices merge with what is here. Returns how many there are. */
export async function beginAllTimelines({ shards }: Pick<Clusters, 'shards'>): Promise<number> {
  let accounts = 0;
  for (const shard of shards) accounts += await beginTimelines(shard);
  return accounts;
}
