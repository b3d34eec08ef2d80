import type { CommitResult } from '../../../protocol/commit.ts';
import type { ItemError } from '../../../protocol/errors.ts';
import { lowerRefused } from '../commit/references.ts';
import type { Database, Namespace } from '../database/rows.ts';
import { releasePins, type UploadKey } from '../tables/pins.ts';
import { type Committer, commitFiles, type Offer } from './commit-files.ts';
import { unanswered } from './open-upload.ts';
import { type Arriving, raiseUpload, type Waiting } from './raise.ts';

/**
 * Makes the files of an upload visible whose content is there. Three steps, each harmless to repeat and to break off
 * after: counts rise in the blocks database; versions appear in the shard, each by compare-and-swap; counts fall again
 * for those that lost. In between the counts are too high, never too low, and the hourly sweep settles what was left.
 * @param held which blocks of the files without an answer some version of the namespace holds
 * @param isPinned whether there may be pins of the upload
 * @param arriving what came, of which nothing is noted yet
 */
export async function finishUpload(
  blocks: Database,
  namespace: Namespace<Database>,
  { key, ...by }: { key: UploadKey } & Committer,
  { held, isPinned, arriving, ...offer }: Offer & Pick<Waiting, 'held' | 'isPinned'> & { arriving: Arriving },
): Promise<{ results: CommitResult[]; missing: string[] }> {
  const waiting = { key, namespaceId: namespace.id, files: unanswered(offer.files), held, isPinned };
  const raised = await raiseUpload(blocks, waiting, arriving);
  const files = await commitFiles(namespace, key.uploadId, by, offer, raised.ready);
  const counted = raised.ready.map((file) => file.versionId);
  const settled = files.flatMap(({ result }) => result ?? []);
  await lowerRefused(blocks, namespace, counted, settled);
  if (raised.isPinned && settled.length === files.length) await releasePins(blocks, key.userId, [key.uploadId]);

  const results = files.map(({ position, path, result }) => {
    return result ?? { path, error: raised.refused.get(position) ?? unsettled };
  });
  return { results, missing: raised.missing };
}

/** The file was opened by another call of the same upload after this one had looked. */
const unsettled: ItemError = { code: 'unavailable', message: 'the upload changed meanwhile: finalize again' };
