import pMap from 'p-map';
import type { ItemError } from '../../protocol/errors.ts';
import { findBlock } from '../shared/block-store.ts';
import { raiseReferences } from '../shared/commit/references.ts';
import { type Database, transaction } from '../shared/database.ts';
import { itemError } from '../shared/errors.ts';
import { versionId } from '../shared/ids.ts';
import { type BlockRow, findBlocks, isStored, lockBlocks, markLive } from '../shared/tables/blocks.ts';
import { findPins, type Pin, type Session, verifyPins } from '../shared/tables/pins.ts';
import type { UploadFile } from '../shared/tables/uploads.ts';

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

const HEAD_CONCURRENCY = 32;

/** Counts the blocks of every file whose blocks are all stored and the user's to use: held, or verified in the session. */
export async function raiseUpload(
  blocks: Database,
  session: Session,
  files: readonly UploadFile[],
  held: ReadonlySet<string>,
): Promise<Raised> {
  const hashes = [...new Set(files.flatMap((file) => file.hashes))];
  const pins = await findPins(blocks, session, hashes);
  const sent = await findSent(await findBlocks(blocks, hashes), pins, held, hashes);
  return await transaction(blocks, async (sql) => {
    let rows = await lockBlocks(sql, hashes);
    const arrived = sent.filter(({ hash }) => rows.has(hash));
    if (arrived.length > 0) {
      await markLive(sql, arrived);
      await verifyPins(sql, session, arrived);
      rows = await lockBlocks(sql, hashes);
    }
    const mine = new Set([...held, ...arrived.map(({ hash }) => hash)]);
    for (const [hash, pin] of pins) if (pin.verified) mine.add(hash);
    const raised = judge(session, files, rows, mine, pins);
    await raiseReferences(
      sql,
      raised.ready.map((file) => ({
        versionId: file.versionId,
        userId: session.userId,
        hashes: [...new Set(file.hashes)],
      })),
    );
    return raised;
  });
}

/** Of the blocks that nobody vouches for yet, those whose object carries the token of this session's signed upload. */
async function findSent(
  rows: Map<string, BlockRow>,
  pins: Map<string, Pin>,
  held: ReadonlySet<string>,
  hashes: readonly string[],
): Promise<{ hash: string; size: number }[]> {
  const doubtful = hashes.filter((hash) => {
    const vouched = held.has(hash) || pins.get(hash)?.verified;
    return pins.has(hash) && !(vouched && isStored(rows.get(hash)));
  });
  const found = await pMap(
    doubtful,
    async (hash) => {
      const object = await findBlock(hash);
      const isNew = object?.version !== rows.get(hash)?.damaged_version;
      return isNew && object?.token === pins.get(hash)!.put_token ? [{ hash, size: object.size }] : [];
    },
    { concurrency: HEAD_CONCURRENCY },
  );
  return found.flat();
}

function judge(
  { userId, uploadId }: Session,
  files: readonly UploadFile[],
  rows: Map<string, BlockRow>,
  mine: ReadonlySet<string>,
  pins: Map<string, Pin>,
): Raised {
  const usable = (hash: string) => mine.has(hash) && isStored(rows.get(hash));
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
        versionId: versionId(userId, { kind: 'finalize', id: uploadId }, file.position, file.path),
        deltaSizes: file.hashes.flatMap((hash) => pins.get(hash)?.delta_bytes ?? []),
      });
    }
  }
  raised.missing = [...missing];
  return raised;
}
