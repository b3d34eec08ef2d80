import type { ChangesQuery, ChangesResponse } from '../../protocol/changes.ts';
import { ServiceError } from '../shared/answers/errors.ts';
import { type Shard, transaction } from '../shared/database/database.ts';
import { changeBounds } from '../shared/tables/accounts.ts';
import { listChanges } from '../shared/tables/changes.ts';
import { requireDevice } from '../shared/tables/devices.ts';

/** The next page of the user's changes. Throws `cursor_gone` when older ones than asked for are no longer kept. */
export async function readChanges(shard: Shard, userId: string, request: ChangesQuery): Promise<ChangesResponse> {
  const { device_id: deviceId, cursor, limit } = request;
  await requireDevice(shard.pool, shard, userId, deviceId);
  // One snapshot, so that `more` and the page agree.
  return await transaction(
    shard.pool,
    async (sql) => {
      const { change_seq: newest, forgotten_seq: forgotten } = await changeBounds(sql, shard, userId);
      if (cursor < forgotten || cursor > newest) {
        throw new ServiceError('cursor_gone', 'the changes after this cursor are not kept: read the tree anew');
      }
      const changes = await listChanges(sql, shard, userId, { cursor, limit });
      const last = changes.at(-1)?.cursor ?? cursor;
      return { changes, cursor: last, more: last < newest };
    },
    'repeatable read',
  );
}
