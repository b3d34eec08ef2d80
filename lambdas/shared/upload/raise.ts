import type { PoolClient } from 'pg';
import type { ItemError } from '../../../protocol/errors.ts';
import { itemError } from '../answers/errors.ts';
import { raiseReferences } from '../commit/references.ts';
import { transaction } from '../database/database.ts';
import { versionId } from '../database/ids.ts';
import type { Database } from '../database/rows.ts';
import { type CountableBlock, isStored } from '../tables/blocks.ts';
import { filterRaised } from '../tables/ledger.ts';
import { findPins, type Pin, releasePins, type UploadKey } from '../tables/pins.ts';
import type { UploadFile } from '../tables/uploads.ts';

/** A file whose blocks are there and counted for its version. */
export interface ReadyFile extends UploadFile {
  versionId: string;
  deltaSizes: number[];
}

/** Content that came from the user for blocks of his upload; it is noted in the transaction that counts them. */
export interface Arriving {
  /** Locks the blocks as `lockToRaise`, with those that come. */
  lock(sql: PoolClient, hashes: readonly string[]): Promise<Map<string, CountableBlock>>;
  /** Notes what came for blocks that are locked. Answers what of it is kept: the size of each block, by its hash. */
  note(sql: PoolClient, rows: ReadonlyMap<string, CountableBlock>): Promise<ReadonlyMap<string, number>>;
  /** Pins some of what came, as content that the user has shown. */
  pin(sql: PoolClient, hashes: readonly string[]): Promise<void>;
}

/** An upload whose files wait for their answers. */
export interface Waiting {
  readonly key: UploadKey;
  readonly namespaceId: string;
  readonly files: readonly UploadFile[];
  /** Which of their blocks some version of the namespace holds. */
  readonly held: ReadonlySet<string>;
  /** Whether there may be pins of the upload. */
  readonly isPinned: boolean;
}

interface Judged {
  ready: ReadyFile[];
  /** By position: why a file cannot be committed (now). */
  refused: Map<number, ItemError>;
  /** Hashes that are not in the store, or not shown to be this user's. */
  missing: string[];
}

/**
 * Counts the blocks of every file whose blocks are all stored and the user's to use: held, or shown in the upload. Once
 * they are counted they need no pins, which are let go when no file waits for anything else; whoever repeats a call that
 * was broken off finds in the ledger that they were.
 */
export async function raiseUpload(
  blocks: Database,
  { key, namespaceId, files, held, isPinned }: Waiting,
  arriving: Arriving,
): Promise<Judged & Pick<Waiting, 'isPinned'>> {
  const hashes = [...new Set(files.flatMap((file) => file.hashes))];
  return await transaction(blocks, async (sql) => {
    const rows = await arriving.lock(sql, hashes);
    const came = await arriving.note(sql, rows);
    for (const [hash, size] of came) rows.set(hash, { ...rows.get(hash)!, state: 'live', size_bytes: size });
    const pins = isPinned ? await findPins(sql, key, hashes) : new Map<string, Pin>();
    const isHis = (hash: string): boolean => held.has(hash) || came.has(hash) || pins.get(hash)?.verified === true;
    const offered = files.map((file) => ({
      ...file,
      versionId: versionId(namespaceId, { kind: 'finalize', id: key.uploadId }, file),
      deltaSizes: file.hashes.flatMap((hash) => pins.get(hash)?.delta_bytes ?? []),
    }));
    const unshown = offered.filter((file) => !file.hashes.every(isHis)).map(({ versionId }) => versionId);
    const countedBefore = await filterRaised(sql, unshown);
    const judged = judge(offered, rows, (file, hash) => isHis(hash) || countedBefore.has(file.versionId));
    const counted = await raiseReferences(
      sql,
      rows,
      judged.ready.map((file) => ({ versionId: file.versionId, namespaceId, hashes: [...new Set(file.hashes)] })),
    );
    const ready = judged.ready.filter(({ versionId }) => counted.has(versionId));
    const waiting = offered.filter(({ versionId }) => !counted.has(versionId));
    for (const { position } of waiting) {
      if (!judged.refused.has(position)) judged.refused.set(position, madeBefore);
    }
    const wanted = new Set(waiting.flatMap((file) => file.hashes));
    await arriving.pin(
      sql,
      [...came.keys()].filter((hash) => wanted.has(hash)),
    );
    if (isPinned && waiting.length === 0) await releasePins(sql, key.userId, [key.uploadId]);
    return { ...judged, ready, isPinned: waiting.length > 0 };
  });
}

/** Unless the upload keeps an answer, its id was used before, and forgotten since. */
const madeBefore = itemError('upload_gone', 'this upload_id stands for an upload of days ago: take a new one');

function judge(
  files: readonly ReadyFile[],
  rows: ReadonlyMap<string, CountableBlock>,
  isHis: (file: ReadyFile, hash: string) => boolean,
): Judged {
  const judged: Judged = { ready: [], refused: new Map(), missing: [] };
  const missing = new Set<string>();
  for (const file of files) {
    const lacks = file.hashes.filter((hash) => !isHis(file, hash) || !isStored(rows.get(hash)));
    for (const hash of lacks) missing.add(hash);
    if (lacks.length > 0) {
      const message = `${new Set(lacks).size} blocks are not in the store: ask upload-init again and send them`;
      judged.refused.set(file.position, itemError('blocks_missing', message));
    } else if (file.hashes.some((hash, index) => rows.get(hash)!.size_bytes !== file.sizes[index])) {
      judged.refused.set(file.position, itemError('content_mismatch', 'a block has another size than the list says'));
    } else {
      judged.ready.push(file);
    }
  }
  judged.missing = [...missing];
  return judged;
}
