import type { CommitResult } from '../../protocol/commit.ts';
import type { ItemError } from '../../protocol/errors.ts';
import type { FinalizeRequest } from '../../protocol/finalize.ts';
import { lowerRefused } from '../shared/commit/references.ts';
import type { Databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { filterHeld } from '../shared/tables/held-blocks.ts';
import { releasePins } from '../shared/tables/pins.ts';
import { listUploadFiles, requireUpload } from '../shared/tables/uploads.ts';
import { commitFiles } from './commit-files.ts';
import { raiseUpload } from './raise.ts';

/**
 * Makes the files of an upload visible. Three steps, each harmless to repeat and to break off after:
 * counts rise in the blocks database; versions appear in the shard, each by compare-and-swap; counts fall again for
 * those that lost. In between the counts are too high, never too low, and the hourly sweep settles what was left.
 */
export async function finalizeUpload(
  databases: Databases,
  userId: string,
  { upload_id: uploadId, device_id: deviceId }: FinalizeRequest,
): Promise<{ results: CommitResult[]; missing: string[] }> {
  const person = personOf(databases, userId);
  const namespace = ownNamespace(person);
  await requireDevice(person, deviceId);
  await requireUpload(namespace, uploadId);
  const offered = await listUploadFiles(namespace, uploadId);
  const open = offered.filter(({ result }) => result === null);
  const held = await filterHeld(namespace, [...new Set(open.flatMap(({ hashes }) => hashes))]);

  const key = { userId, uploadId };
  const raised = await raiseUpload(databases.blocks, key, namespace.id, open, held);
  const files = await commitFiles(namespace, uploadId, deviceId, raised.ready);
  const counted = raised.ready.map((file) => file.versionId);
  const settled = files.flatMap(({ result }) => result ?? []);
  await lowerRefused(databases.blocks, namespace, counted, settled);
  if (settled.length === files.length) await releasePins(databases.blocks, key);

  const results = files.map(({ position, path, result }) => {
    return result ?? { path, error: raised.refused.get(position) ?? unsettled };
  });
  return { results, missing: raised.missing };
}

/** The file was opened by another call of the same upload after this one had looked. */
const unsettled: ItemError = { code: 'unavailable', message: 'the upload changed meanwhile: finalize again' };
