import * as z from 'zod';
import { ItemError } from './errors.ts';
import { Hash } from './hash.ts';
import { limits } from './limits.ts';
import { Uuid } from './uuid.ts';

/** POST /prove: proofs of possession for blocks that upload-init answered with a nonce, one for each. */
export const ProveRequest = z.strictObject({
  upload_id: Uuid,
  device_id: Uuid,
  proofs: z
    .array(z.strictObject({ hash: Hash, /** SHA-256 of the nonce's 32 bytes followed by the block. */ proof: Hash }))
    .min(1)
    .max(limits.proofsPerCall),
});
export type ProveRequest = z.infer<typeof ProveRequest>;

/** A block that fails here can still be sent: ask upload-init again, which then answers with `put`. */
export const ProveResponse = z.strictObject({
  results: z.array(z.strictObject({ hash: Hash, error: ItemError.optional() })),
});
export type ProveResponse = z.infer<typeof ProveResponse>;
