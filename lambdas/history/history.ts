import type { HistoryQuery, HistoryResponse } from '../../protocol/history.ts';
import { fitting } from '../shared/answers/answer-size.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { type Database, ownNamespace, type Person } from '../shared/database/rows.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { listHistory } from '../shared/tables/versions.ts';

/** The versions of the file that is, or was last, at a path, newest first. Throws `not_found` when there is none. */
export async function readHistory(person: Person<Database>, request: HistoryQuery): Promise<HistoryResponse> {
  const { device_id: deviceId, path, before, limit } = request;
  await requireDevice(person, deviceId);
  const versions = await listHistory(ownNamespace(person), path, { before, limit: limit + 1 });
  if (versions.length === 0 && before === undefined) {
    throw new Refusal('not_found', 'nothing is, or was in the last 30 days, at this path');
  }
  const page = fitting(versions.slice(0, limit));
  return { versions: page, more: versions.length > page.length };
}
