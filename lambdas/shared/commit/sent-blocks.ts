import pMap from 'p-map';
import type { Database } from '../database/rows.ts';
import { findBlock } from '../store/block-store.ts';
import { type BlockRow, findBlocks, isStored } from '../tables/blocks.ts';
import { findPins, noteLooks, type Pin, type UploadKey } from '../tables/pins.ts';
import { type Arrival, noteArrivals } from './arrivals.ts';

/** Blocks that are noted together: a call that ends early is continued by the next. */
const BATCH = 1000;
const CONCURRENCY = 32;
/** Times that an object is looked for in vain until upload-init is asked again: no repetition asks S3 for ever. */
const MAX_LOOKS = 5;

/** Finds out which blocks came by the upload's signed PUTs: nobody vouches for them yet. */
export async function noteSentBlocks(
  blocks: Database,
  key: UploadKey,
  hashes: readonly string[],
  held: ReadonlySet<string>,
): Promise<void> {
  const [rows, pins] = [await findBlocks(blocks, hashes), await findPins(blocks, key, hashes)];
  const doubtful = [...pins.values()].filter(
    ({ hash, verified, looks }) => looks < MAX_LOOKS && !((held.has(hash) || verified) && isStored(rows.get(hash))),
  );
  for (let start = 0; start < doubtful.length; start += BATCH) {
    const batch = doubtful.slice(start, start + BATCH);
    const looked = await pMap(batch, (pin) => findSent(pin, rows.get(pin.hash)), { concurrency: CONCURRENCY });
    const found = looked.flat();
    await noteArrivals(blocks, key, found);
    const sent = new Set(found.map(({ hash }) => hash));
    const absent = batch.map(({ hash }) => hash).filter((hash) => !sent.has(hash));
    await noteLooks(blocks, key, absent);
  }
}

/** The block, if its object carries the token of this user's signed uploads, is plain and not the one that is damaged. */
async function findSent({ hash, put_token: token }: Pin, row: BlockRow | undefined): Promise<Arrival[]> {
  const object = await findBlock(hash);
  const sent = object?.token === token && object.plain && object.version !== row?.damaged_version;
  return sent ? [{ hash, size: object.size, version: object.version }] : [];
}
