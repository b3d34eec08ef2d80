import type { TreeQuery, TreeResponse } from '../../protocol/tree.ts';
import { type Shard, transaction } from '../shared/database.ts';
import { ServiceError } from '../shared/errors.ts';
import { changeBounds } from '../shared/tables/accounts.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { findTreeHash, listDirectory } from '../shared/tables/directories.ts';
import { emptyTreeHash, hashStaleDirectories } from './hash-directories.ts';

/** A page of one directory, with the hashes of its subdirectories. Throws `not_found` when there is no directory. */
export async function readTree(shard: Shard, userId: string, request: TreeQuery): Promise<TreeResponse> {
  const { device_id: deviceId, path = '', after, limit } = request;
  await requireDevice(shard.pool, shard, userId, deviceId);
  // One snapshot, so that hashes, entries and cursor belong together. A commit that makes a hash stale meanwhile
  // collides with its update here, and the transaction runs again.
  return await transaction(
    shard.pool,
    async (sql) => {
      const { change_seq: cursor } = await changeBounds(sql, shard, userId);
      await hashStaleDirectories(sql, shard, userId, path);
      const hash = (await findTreeHash(sql, shard, userId, path)) ?? (path === '' ? emptyTreeHash : undefined);
      if (hash === undefined) throw new ServiceError('not_found', 'there is no directory at this path');
      const found = await listDirectory(sql, shard, userId, path, { after, limit: limit + 1 });
      const entries = found.slice(0, limit);
      return { hash, entries, cursor, ...(found.length > limit && { next: entries.at(-1)!.name }) };
    },
    'repeatable read',
  );
}
