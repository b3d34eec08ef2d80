import type { CompareQuery, CompareResponse } from '../../protocol/compare.ts';
import { limits } from '../../protocol/limits.ts';
import { fitting } from '../shared/answers/answer-size.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { type Database, ownNamespace, type Person } from '../shared/database/rows.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { isKept, listDifferences } from '../shared/tables/versions.ts';

/** A page of what differs between now and then. Throws `bad_request` for a moment from which not all is kept. */
export async function compareTree(person: Person<Database>, request: CompareQuery): Promise<CompareResponse> {
  const { device_id: deviceId, at, path = '', after = '', limit } = request;
  await requireDevice(person, deviceId);
  if (!(await isKept(person.sql, at))) {
    throw new Refusal('bad_request', `name a moment of the last ${limits.historyDays} days: no more is kept`);
  }
  const found = await listDifferences(ownNamespace(person), { at, path, after, limit: limit + 1 });
  const differences = fitting(found.slice(0, limit));
  return { differences, more: found.length > differences.length };
}
