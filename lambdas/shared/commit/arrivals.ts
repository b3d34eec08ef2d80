import type { PoolClient } from 'pg';
import { transaction } from '../database/database.ts';
import type { Database } from '../database/rows.ts';
import { type BlockRow, guardBlocks, hasObject, markLive } from '../tables/blocks.ts';
import { listKept, type UploadKey, verifyPins } from '../tables/pins.ts';

/** A block whose content the upload's user has sent, by whatever way; its object is in the store. */
export interface Arrival {
  hash: string;
  size: number;
  /** Id of the object's version. */
  version: string;
  /** Size of the delta that carried it. */
  deltaBytes?: number;
}

/**
 * Notes that blocks of the upload are in the store, and that its user has their content. What came as an object that is
 * being deleted, or may be, did not arrive: upload-init asks for its content again.
 */
export async function noteArrivals(blocks: Database, key: UploadKey, arrivals: readonly Arrival[]): Promise<void> {
  if (arrivals.length === 0) return;
  await transaction(blocks, async (sql) => {
    const found = await guardBlocks(
      sql,
      arrivals.map(({ hash }) => hash),
    );
    await verifyPins(sql, key, await noteObjects(sql, found, arrivals));
  });
}

/**
 * Notes that blocks are in the store; answers those whose object is not being deleted.
 * @param found the blocks, from which collection is kept away
 */
export async function noteObjects<Item extends Pick<Arrival, 'hash' | 'size' | 'version'>>(
  sql: PoolClient,
  found: ReadonlyMap<string, BlockRow>,
  objects: readonly Item[],
): Promise<Item[]> {
  const staying = objects.filter(({ hash, version }) => stays(found.get(hash), version));
  await markLive(
    sql,
    staying.filter(({ hash }) => !(found.get(hash)?.state === 'live' && hasObject(found.get(hash)))),
    'object',
  );
  return staying;
}

/**
 * Whether nothing deletes this version of the block's object. A list outlives that the block is taken up again, since
 * whoever deletes may not have come to its end.
 */
function stays(block: BlockRow | undefined, version: string): boolean {
  if (!block || block.state === 'deleting') return false;
  return hasObject(block) || !block.object_versions?.includes(version);
}

/** Notes that the user has the content of blocks which others stored, but for those that are going. */
export async function noteShown(
  blocks: Database,
  key: UploadKey,
  shown: readonly Pick<Arrival, 'hash' | 'deltaBytes'>[],
): Promise<void> {
  if (shown.length === 0) return;
  const hashes = shown.map(({ hash }) => hash);
  await transaction(blocks, async (sql) => {
    const found = await guardBlocks(sql, hashes);
    const kept = await listKept(sql, key, hashes);
    const stay = ({ hash }: { hash: string }) => kept.has(hash) || AT_REST.includes(found.get(hash)?.state);
    await verifyPins(sql, key, shown.filter(stay));
  });
}

/** States in which nothing deletes a block, whether or not a pin keeps it. */
const AT_REST: readonly (string | undefined)[] = ['live', 'condemned', 'quarantined'];
