import { type ChangesQuery, type ChangesResponse, lastCursor } from '../../protocol/changes.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { within } from '../shared/database/database.ts';
import { type Database, ownNamespace, type Person } from '../shared/database/rows.ts';
import { changeBounds } from '../shared/tables/accounts.ts';
import { listChanges } from '../shared/tables/changes.ts';
import { requireDevice } from '../shared/tables/devices.ts';

/** The next page of the user's changes. Throws `cursor_gone` when older ones than asked for are no longer kept. */
export async function readChanges(person: Person<Database>, request: ChangesQuery): Promise<ChangesResponse> {
  const { device_id: deviceId, cursor, limit } = request;
  await requireDevice(person, deviceId);
  // One snapshot, so that `more` and the page agree.
  return await within(
    ownNamespace(person),
    async (namespace) => {
      const { change_seq: newest, forgotten_seq: forgotten, timeline } = await changeBounds(namespace);
      if (cursor < forgotten || cursor > newest) {
        throw new Refusal('cursor_gone', 'the changes after this cursor are not kept: read the tree anew');
      }
      const changes = await listChanges(namespace, { cursor, limit });
      const last = changes.map(lastCursor).at(-1) ?? cursor;
      return { changes, cursor: last, more: last < newest, ...(timeline && { timeline }) };
    },
    'repeatable read',
  );
}
