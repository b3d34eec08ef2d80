import type { CommitResult } from '../../protocol/commit.ts';
import type { FinalizeRequest } from '../../protocol/finalize.ts';
import { type Arrival, noteObjects } from '../shared/commit/arrivals.ts';
import { findSentBlocks } from '../shared/commit/sent-blocks.ts';
import type { Databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { lockToRaise } from '../shared/tables/blocks.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { filterHeld } from '../shared/tables/held-blocks.ts';
import { type UploadKey, verifyPins } from '../shared/tables/pins.ts';
import { requireUploadFiles } from '../shared/tables/uploads.ts';
import { finishUpload } from '../shared/upload/finish-upload.ts';
import { unanswered } from '../shared/upload/open-upload.ts';
import type { Arriving } from '../shared/upload/raise.ts';

/** Makes the files of an upload visible whose blocks were sent, by whatever way. */
export async function finalizeUpload(
  databases: Databases,
  userId: string,
  { upload_id: uploadId, device_id: deviceId, timeline }: FinalizeRequest,
): Promise<{ results: CommitResult[]; missing: string[] }> {
  const person = personOf(databases, userId);
  const namespace = ownNamespace(person);
  await requireDevice(person, deviceId);
  const files = await requireUploadFiles(namespace, uploadId);
  const hashes = [...new Set(unanswered(files).flatMap((file) => file.hashes))];
  const held = await filterHeld(namespace, hashes);
  const key = { userId, uploadId };
  const arrivals = await findSentBlocks(databases.blocks, key, hashes, held);
  const offer = { files, held, isPinned: true, arriving: sentObjects(key, arrivals) };
  return await finishUpload(databases.blocks, namespace, { key, deviceId, timeline }, offer);
}

/** Blocks whose objects have come. */
function sentObjects(key: UploadKey, arrivals: readonly Arrival[]): Arriving {
  return {
    lock: (sql, hashes) => lockToRaise(sql, hashes, arrivals.length > 0 ? 'object' : undefined),
    async note(sql, rows) {
      const staying = await noteObjects(sql, rows, arrivals);
      return new Map(staying.map(({ hash, size }) => [hash, size]));
    },
    pin: (sql, hashes) =>
      verifyPins(
        sql,
        key,
        hashes.map((hash) => ({ hash })),
      ),
  };
}
