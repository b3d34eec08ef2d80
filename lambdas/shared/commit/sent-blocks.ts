import pMap from 'p-map';
import type { Database } from '../database/rows.ts';
import { findBlock } from '../store/block-store.ts';
import { type DoubtfulPin, findDoubtful, noteLooks, type UploadKey } from '../tables/pins.ts';
import { type Arrival, noteArrivals } from './arrivals.ts';

/** Blocks that are noted together: a call that ends early is continued by the next. */
const BATCH = 1000;
const CONCURRENCY = 32;
/** Times that an object is looked for in vain until upload-init is asked again: no repetition asks S3 for ever. */
const MAX_LOOKS = 5;

/**
 * Finds out which blocks came by the upload's signed PUTs, for which nobody vouches yet. Answers those that are still to be
 * noted: where very many came, the last ones.
 */
export async function findSentBlocks(
  blocks: Database,
  key: UploadKey,
  hashes: readonly string[],
  held: ReadonlySet<string>,
): Promise<Arrival[]> {
  const doubtful = await findDoubtful(blocks, key, hashes, { held, maxLooks: MAX_LOOKS });
  let found: Arrival[] = [];
  for (let start = 0; start < doubtful.length; start += BATCH) {
    await noteArrivals(blocks, key, found);
    const batch = doubtful.slice(start, start + BATCH);
    const looked = await pMap(batch, findSent, { concurrency: CONCURRENCY });
    found = looked.flat();
    const sent = new Set(found.map(({ hash }) => hash));
    const absent = batch.map(({ hash }) => hash).filter((hash) => !sent.has(hash));
    await noteLooks(blocks, key, absent);
  }
  return found;
}

/** The block, if its object carries the token of this user's signed uploads, is plain and not the one that is damaged. */
async function findSent({ hash, put_token: token, damaged_version }: DoubtfulPin): Promise<Arrival[]> {
  const object = await findBlock(hash);
  const sent = object?.token === token && object.plain && object.version !== damaged_version;
  return sent ? [{ hash, size: object.size, version: object.version }] : [];
}
