import type { Entry } from '../../protocol/entry.ts';
import { noteArrivals } from '../shared/commit/arrivals.ts';
import { findSentBlocks } from '../shared/commit/sent-blocks.ts';
import type { Database, Namespace } from '../shared/database/rows.ts';
import { findBlocks, hasObject } from '../shared/tables/blocks.ts';
import { entryOf } from '../shared/tables/files.ts';
import { filterHeld } from '../shared/tables/held-blocks.ts';
import { findPins, type UploadKey } from '../shared/tables/pins.ts';
import { findUploadFiles } from '../shared/tables/uploads.ts';

/**
 * A file as an upload of the namespace brings it; `undefined` where there is none, it expired or was given up, or the
 * file was refused.
 */
export async function offeredFile(namespace: Namespace, uploadId: string, path: string): Promise<Entry | undefined> {
  const upload = await findUploadFiles(namespace, uploadId);
  if (!upload || upload.expired || upload.state === 'closed') return undefined;
  const file = upload.files.find((each) => each.path === path);
  if (!file || (file.result && 'error' in file.result)) return undefined;
  return entryOf(file, file.result?.version ?? file.baseVersion + 1);
}

/**
 * Of these blocks of an upload those whose objects are in the store and whose content its user has: by one of his
 * versions, or as finalize would find.
 */
export async function arrivedBlocks(
  blocks: Database,
  namespace: Namespace,
  key: UploadKey,
  hashes: readonly string[],
): Promise<Set<string>> {
  const held = await filterHeld(namespace, hashes);
  await noteArrivals(blocks, key, await findSentBlocks(blocks, key, hashes, held));
  const [rows, pins] = [await findBlocks(blocks, hashes), await findPins(blocks, key, hashes)];
  const isHis = (hash: string): boolean => held.has(hash) || pins.get(hash)?.verified === true;
  return new Set(hashes.filter((hash) => isHis(hash) && hasObject(rows.get(hash))));
}
