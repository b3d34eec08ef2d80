import type { TreeQuery, TreeResponse } from '../../protocol/tree.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { within } from '../shared/database/database.ts';
import { type Database, ownNamespace, type Person } from '../shared/database/rows.ts';
import { lockAccount } from '../shared/tables/accounts.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { findTreeHash, listDirectory } from '../shared/tables/directories.ts';
import { emptyTreeHash, hashStaleDirectories } from './hash-directories.ts';

/**
 * A page of one directory, with the hashes of its subdirectories. Hashes that are missing are made first, some in each
 * transaction, so that a call that runs out of time has brought the next one further.
 * @param until when to give up, in milliseconds since 1970
 * @throws Refusal `not_found` when there is no directory, `unavailable` when the time is up
 */
export async function readTree(person: Person<Database>, request: TreeQuery, until: number): Promise<TreeResponse> {
  const { device_id: deviceId, path = '', after, limit } = request;
  await requireDevice(person, deviceId);
  const look = () =>
    within(ownNamespace(person), async (namespace): Promise<TreeResponse | undefined> => {
      // Under the lock that every commit takes, so that hashes, entries and cursor belong together.
      const { change_seq: cursor, timeline } = await lockAccount(namespace);
      if (!(await hashStaleDirectories(namespace, path))) return undefined;
      const hash = (await findTreeHash(namespace, path)) ?? (path === '' ? emptyTreeHash : undefined);
      if (hash === undefined) throw new Refusal('not_found', 'there is no directory at this path');
      const { entries, more } = await listDirectory(namespace, path, { after, limit });
      return { hash, entries, cursor, timeline, ...(more && { next: entries.at(-1)!.name }) };
    });
  for (;;) {
    const answer = await look();
    if (answer) return answer;
    if (Date.now() >= until) {
      throw new Refusal('unavailable', 'many directories changed and are still being read: ask again in a moment');
    }
  }
}
