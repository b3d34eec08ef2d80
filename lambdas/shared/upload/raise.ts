import type { ItemError } from '../../../protocol/errors.ts';
import { itemError } from '../answers/errors.ts';
import { raiseReferences } from '../commit/references.ts';
import { transaction } from '../database/database.ts';
import { versionId } from '../database/ids.ts';
import type { Database } from '../database/rows.ts';
import { type CountableBlock, isStored, lockToRaise } from '../tables/blocks.ts';
import { findPins, type Pin, type UploadKey } from '../tables/pins.ts';
import type { UploadFile } from '../tables/uploads.ts';

/** A file whose blocks are there and counted for its version. */
export interface ReadyFile extends UploadFile {
  versionId: string;
  deltaSizes: number[];
}

interface Raised {
  ready: ReadyFile[];
  /** By position: why a file cannot be committed (now). */
  refused: Map<number, ItemError>;
  /** Hashes that are not in the store, or not shown to be this user's. */
  missing: string[];
}

/** Counts the blocks of every file whose blocks are all stored and the user's to use: held, or verified in the upload. */
export async function raiseUpload(
  blocks: Database,
  key: UploadKey,
  namespaceId: string,
  files: readonly UploadFile[],
  held: ReadonlySet<string>,
): Promise<Raised> {
  const hashes = [...new Set(files.flatMap((file) => file.hashes))];
  return await transaction(blocks, async (sql) => {
    const rows = await lockToRaise(sql, hashes);
    const pins = await findPins(sql, key, hashes);
    const { ready, ...raised } = judge({ namespaceId, uploadId: key.uploadId }, files, { rows, held, pins });
    const counted = await raiseReferences(
      sql,
      rows,
      ready.map((file) => ({ versionId: file.versionId, namespaceId, hashes: [...new Set(file.hashes)] })),
    );
    const made = ready.filter(({ versionId }) => !counted.has(versionId));
    for (const { position } of made) raised.refused.set(position, madeBefore);
    return { ...raised, ready: ready.filter(({ versionId }) => counted.has(versionId)) };
  });
}

/** Unless the upload keeps an answer, its id was used before, and forgotten since. */
const madeBefore = itemError('upload_gone', 'this upload_id stands for an upload of days ago: take a new one');

function judge(
  { namespaceId, uploadId }: { namespaceId: string; uploadId: string },
  files: readonly UploadFile[],
  { rows, held, pins }: { rows: Map<string, CountableBlock>; held: ReadonlySet<string>; pins: Map<string, Pin> },
): Raised {
  const usable = (hash: string) => (held.has(hash) || pins.get(hash)?.verified) && isStored(rows.get(hash));
  const raised: Raised = { ready: [], refused: new Map(), missing: [] };
  const missing = new Set<string>();
  for (const file of files) {
    const lacks = file.hashes.filter((hash) => !usable(hash));
    for (const hash of lacks) missing.add(hash);
    if (lacks.length > 0) {
      const message = `${new Set(lacks).size} blocks are not in the store: ask upload-init again and send them`;
      raised.refused.set(file.position, itemError('blocks_missing', message));
    } else if (file.hashes.some((hash, index) => rows.get(hash)!.size_bytes !== file.sizes[index])) {
      raised.refused.set(file.position, itemError('content_mismatch', 'a block has another size than the list says'));
    } else {
      raised.ready.push({
        ...file,
        versionId: versionId(namespaceId, { kind: 'finalize', id: uploadId }, file),
        deltaSizes: file.hashes.flatMap((hash) => pins.get(hash)?.delta_bytes ?? []),
      });
    }
  }
  raised.missing = [...missing];
  return raised;
}
