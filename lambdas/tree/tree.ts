import type { TreeQuery, TreeResponse } from '../../protocol/tree.ts';
import { type Shard, transaction } from '../shared/database.ts';
import { ServiceError } from '../shared/errors.ts';
import { lockAccount } from '../shared/tables/accounts.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { findTreeHash, listDirectory } from '../shared/tables/directories.ts';
import { emptyTreeHash, hashStaleDirectories } from './hash-directories.ts';

/** A page of one directory, with the hashes of its subdirectories. Throws `not_found` when there is no directory. */
export async function readTree(shard: Shard, userId: string, request: TreeQuery): Promise<TreeResponse> {
  const { device_id: deviceId, path = '', after, limit } = request;
  return await transaction(shard.pool, async (sql) => {
    await requireDevice(sql, shard, userId, deviceId);
    // Under the lock that every commit takes, so that hashes, entries and cursor belong together.
    const { change_seq: cursor } = await lockAccount(sql, shard, userId);
    await hashStaleDirectories(sql, shard, userId, path);
    const hash = (await findTreeHash(sql, shard, userId, path)) ?? (path === '' ? emptyTreeHash : undefined);
    if (hash === undefined) throw new ServiceError('not_found', 'there is no directory at this path');
    const { entries, more } = await listDirectory(sql, shard, userId, path, { after, limit });
    return { hash, entries, cursor, ...(more && { next: entries.at(-1)!.name }) };
  });
}
