import { randomBytes } from 'node:crypto';
import { transaction } from '../shared/database/database.ts';
import type { Database } from '../shared/database/rows.ts';
import { expectObjects, guardBlocks, hasObject, isStored, reviveBlocks } from '../shared/tables/blocks.ts';
import { takeClaims } from '../shared/tables/claims.ts';
import { guardAll } from '../shared/tables/guard-all.ts';
import { findPins, newPutToken, type Pin, renewPins, type UploadKey } from '../shared/tables/pins.ts';

export interface WantedBlock {
  hash: string;
  size: number;
  /** Some version of this user holds it. */
  held: boolean;
  /** The client offered a delta with a good base. */
  delta: boolean;
}

/** How to send a block; a `put` has still to be signed. */
export type BlockToSend =
  | { hash: string; how: 'put'; size: number; token: string }
  | { hash: string; how: 'delta' }
  | { hash: string; how: 'prove'; nonce: string };

/**
 * Pins all blocks for the upload and answers those to send. In one transaction: no block that it leaves out of the
 * answer can be collected before the pin expires.
 * @param crossUser whether possession of a block that others store may be proved, up to `limits.claimsPerDay`: beyond
 *   them, where its size is another than claimed, and where only rows have it, which cost less than a proof, the user
 *   is asked for the content as if nobody stored it
 * @param isNew whether the upload was made by this call, and has no pins
 */
export async function claimBlocks(
  blocks: Database,
  key: UploadKey,
  wanted: readonly WantedBlock[],
  { crossUser, isNew }: { crossUser: boolean; isNew: boolean },
): Promise<BlockToSend[]> {
  if (wanted.length === 0) return [];
  return await transaction(blocks, async (sql) => {
    const hashes = wanted.map(({ hash }) => hash);
    const rows = await guardAll(sql, wanted, 'object', guardBlocks);
    const stored = (hash: string) => isStored(rows.get(hash));
    const known = isNew ? new Map<string, Pin>() : await findPins(sql, key, hashes);
    const unknown = crossUser ? wanted.filter(({ hash, held }) => !held && !known.has(hash)) : [];
    const allowed = await takeClaims(sql, key.userId, unknown.length);
    const claimed = new Set(unknown.slice(0, allowed).map(({ hash }) => hash));
    // What the upload was told to send at first it is told for good: asking again tells nothing new.
    const offered = ({ hash, size, held }: WantedBlock) =>
      crossUser &&
      !held &&
      hasObject(rows.get(hash)) &&
      rows.get(hash)!.size_bytes === size &&
      (known.has(hash) || claimed.has(hash));
    await reviveBlocks(sql, [...rows.values()]);
    const pins = await renewPins(
      sql,
      key,
      wanted.map((block) => ({
        hash: block.hash,
        verified: block.held && stored(block.hash),
        token: newPutToken(),
        nonce: offered(block) ? randomBytes(32).toString('hex') : null,
      })),
    );
    const send = wanted.flatMap((block) => howToSend(block, stored(block.hash), pins.get(block.hash)!) ?? []);
    await expectObjects(
      sql,
      send.flatMap(({ hash, how }) => (how !== 'prove' && rows.get(hash)!.objects === 'none' ? [hash] : [])),
    );
    return send;
  });
}

function howToSend({ hash, size, delta }: WantedBlock, stored: boolean, pin: Pin): BlockToSend | undefined {
  if (stored && pin.verified) return undefined;
  if (stored && pin.nonce !== null) return { hash, how: 'prove', nonce: pin.nonce };
  if (delta) return { hash, how: 'delta' };
  return { hash, how: 'put', size, token: pin.put_token };
}
