import { createHash, timingSafeEqual } from 'node:crypto';
import pMap from 'p-map';
import type { ProveRequest, ProveResponse } from '../../protocol/prove.ts';
import { itemError, Refusal } from '../shared/answers/errors.ts';
import { noteShown } from '../shared/commit/arrivals.ts';
import { quarantine } from '../shared/commit/quarantine.ts';
import type { Databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { readBlock } from '../shared/store/block-store.ts';
import { returnClaims } from '../shared/tables/claims.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { failProofs, findPins, takeNonces } from '../shared/tables/pins.ts';
import { requireUpload } from '../shared/tables/uploads.ts';

type Result = ProveResponse['results'][number];

/** Blocks of 4 MiB in memory at once, of the function's 1,024 MB. */
const CONCURRENCY = 16;

/** Checks that the user has the content of blocks that somebody stores: SHA-256 over a one-time nonce and the block. */
export async function checkProofs(databases: Databases, userId: string, request: ProveRequest): Promise<ProveResponse> {
  const person = personOf(databases, userId);
  await requireDevice(person, request.device_id);
  await requireUpload(ownNamespace(person), request.upload_id);
  const key = { userId, uploadId: request.upload_id };
  const hashes = request.proofs.map(({ hash }) => hash);
  // One challenge, one answer: each costs a read of the block.
  if (new Set(hashes).size < hashes.length) throw new Refusal('bad_request', 'a block comes twice in this call');
  const nonces = await takeNonces(databases.blocks, key, hashes);
  const pins = await findPins(databases.blocks, key, hashes);

  const results = await pMap(
    request.proofs,
    async ({ hash, proof }): Promise<Result> => {
      const nonce = nonces.get(hash);
      if (pins.get(hash)?.verified) return { hash };
      if (nonce === undefined) {
        return { hash, error: itemError('not_found', 'no proof was asked for this block: ask upload-init again') };
      }
      const block = await readBlock(hash);
      // What is lost here cannot be compared: the same answer makes the client send it, which heals it for all.
      if (!block) await quarantine(databases.blocks, hash, undefined);
      if (block && isProof(proof, nonce, block.content)) return { hash };
      return {
        hash,
        error: itemError('content_mismatch', 'the proof is wrong: ask upload-init again and send the block'),
      };
    },
    { concurrency: CONCURRENCY },
  );

  const proven = results.filter(({ error }) => !error).map(({ hash }) => ({ hash }));
  const failed = results.filter(({ error }) => error?.code === 'content_mismatch').map(({ hash }) => hash);
  await noteShown(databases.blocks, key, proven);
  await returnClaims(databases.blocks, userId, proven.filter(({ hash }) => nonces.has(hash)).length);
  await failProofs(databases.blocks, key, failed);
  return { results };
}

function isProof(proof: string, nonce: string, content: Uint8Array): boolean {
  const expected = createHash('sha256').update(Buffer.from(nonce, 'hex')).update(content).digest();
  return timingSafeEqual(expected, Buffer.from(proof, 'hex'));
}
