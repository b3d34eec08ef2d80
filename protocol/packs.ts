import * as z from 'zod';
import { Block } from './entry.ts';
import { limits } from './limits.ts';
import { SignedPut } from './upload-init.ts';
import { Uuid } from './uuid.ts';

/**
 * POST /packs: where to send packs, each of encoded contents one after the other, which a save names then. Repeating it
 * renews the URLs.
 */
export const PacksRequest = z.strictObject({
  device_id: Uuid,
  packs: z.array(Block).min(1).max(limits.packsPerCall),
});
export type PacksRequest = z.infer<typeof PacksRequest>;

/** In the order of the request. */
export const PacksResponse = z.strictObject({ send: z.array(SignedPut) });
export type PacksResponse = z.infer<typeof PacksResponse>;
