import type { CommitResult } from '../../protocol/commit.ts';
import type { FinalizeRequest } from '../../protocol/finalize.ts';
import { noteSentBlocks } from '../shared/commit/sent-blocks.ts';
import type { Databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { filterHeld } from '../shared/tables/held-blocks.ts';
import { listUploadFiles, requireUpload } from '../shared/tables/uploads.ts';
import { finishUpload } from '../shared/upload/finish-upload.ts';
import { unanswered } from '../shared/upload/open-upload.ts';

/** Makes the files of an upload visible whose blocks were sent, by whatever way. */
export async function finalizeUpload(
  databases: Databases,
  userId: string,
  { upload_id: uploadId, device_id: deviceId, timeline }: FinalizeRequest,
): Promise<{ results: CommitResult[]; missing: string[] }> {
  const person = personOf(databases, userId);
  const namespace = ownNamespace(person);
  await requireDevice(person, deviceId);
  await requireUpload(namespace, uploadId);
  const files = await listUploadFiles(namespace, uploadId);
  const hashes = [...new Set(unanswered(files).flatMap((file) => file.hashes))];
  const held = await filterHeld(namespace, hashes);
  const key = { userId, uploadId };
  await noteSentBlocks(databases.blocks, key, hashes, held);
  return await finishUpload(databases.blocks, namespace, { key, deviceId, timeline }, { files, held });
}
