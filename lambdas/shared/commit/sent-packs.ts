import { createHash } from 'node:crypto';
import pMap from 'p-map';
import type { Block } from '../../../protocol/entry.ts';
import { limits } from '../../../protocol/limits.ts';
import { Refusal } from '../answers/errors.ts';
import { transaction } from '../database/database.ts';
import type { Database } from '../database/rows.ts';
import { readBlock } from '../store/block-store.ts';
import { guardBlocks } from '../tables/blocks.ts';
import {
  countPins,
  findPins,
  newPutToken,
  removePins,
  renewPins,
  type UploadKey,
  waitForPins,
} from '../tables/pins.ts';
import { noteObjects } from './arrivals.ts';
import { expectPacks } from './packs.ts';

/** Under this id the packs of a user are pinned until a save has used them. It is none that a client can choose. */
function packsOf(userId: string): UploadKey {
  return { userId, uploadId: 'ffffffff-0000-0000-0000-000000000000' };
}

/**
 * Pins packs that a user is about to send, and answers the tokens of their signed PUTs.
 * @throws Refusal `limit_exceeded` when no save has used too many others yet
 */
export async function pinPacks(
  blocks: Database,
  userId: string,
  packs: readonly Block[],
): Promise<Map<string, string>> {
  const key = packsOf(userId);
  return await transaction(blocks, async (sql) => {
    await expectPacks(sql, packs);
    // One call after the other, so that together they pin no more than they may.
    await waitForPins(sql, key);
    const pins = await renewPins(
      sql,
      key,
      packs.map(({ hash }) => ({ hash, verified: false, token: newPutToken(), nonce: null })),
    );
    if ((await countPins(sql, key)) > limits.openPacks) {
      const message = `${limits.openPacks} packs of yours wait for a save: send what they have another way`;
      throw new Refusal('limit_exceeded', message);
    }
    return new Map([...pins].map(([hash, pin]) => [hash, pin.put_token]));
  });
}

/**
 * Reads packs that the user has sent; without those that did not come, came from somebody else, or are being deleted.
 * They cannot be collected before the call has ended.
 */
export async function receivePacks(
  blocks: Database,
  userId: string,
  packs: readonly Block[],
): Promise<Map<string, Uint8Array>> {
  const hashes = packs.map(({ hash }) => hash);
  const pins = await findPins(blocks, packsOf(userId), hashes);
  const read = await pMap(packs, async ({ hash, size }) => {
    const token = pins.get(hash)?.put_token;
    const object = token === undefined ? undefined : await readBlock(hash);
    const isSent = object?.plain && object.token === token && isBlock(object.content, { hash, size });
    return isSent ? [{ hash, size, ...object }] : [];
  });
  const found = read.flat();
  if (found.length === 0) return new Map();
  const staying = await transaction(blocks, async (sql) => noteObjects(sql, await guardBlocks(sql, hashes), found));
  return new Map(staying.map(({ hash, content }) => [hash, content]));
}

/** One that was damaged since it came would be live for all who have it. */
function isBlock(content: Uint8Array, { hash, size }: Block): boolean {
  return content.length === size && createHash('sha256').update(content).digest('hex') === hash;
}

/**
 * Lets go of packs most of which a save has used, so that what is in them counts for the user from now on. Others stay
 * pinned, and count as packs that no save has used: nobody stores more than he has room for by using a little of each.
 */
export async function usePacks(
  blocks: Database,
  userId: string,
  packs: readonly Block[],
  used: ReadonlyMap<string, number>,
): Promise<void> {
  const full = packs.filter(({ hash, size }) => 2 * (used.get(hash) ?? 0) >= size);
  await removePins(
    blocks,
    packsOf(userId),
    full.map(({ hash }) => hash),
  );
}
