import { Refusal } from '../shared/answers/errors.ts';
import { keptBytes, roomOf, take } from '../shared/commit/room.ts';
import type { Namespace } from '../shared/database/rows.ts';
import { findAccount, quotaOf } from '../shared/tables/accounts.ts';

/** Demands that so many more versions may be kept; asked before anything is counted. */
export async function requireRoom(namespace: Namespace, versions: number): Promise<void> {
  const account = await findAccount(namespace);
  const need = { quota: 0, kept: versions * keptBytes(0), entries: 0 };
  const error = take(roomOf(account, quotaOf(account)), need);
  if (error) throw new Refusal(error.code, error.message);
}
