import * as z from 'zod';
import { Hash } from './hash.ts';
import { limits } from './limits.ts';
import { Uuid } from './uuid.ts';

/** GET /heal: which blocks of the user's files the service has lost, or found damaged. */
export const DamageQuery = z.strictObject({
  device_id: Uuid,
  /** `next` of the answer before. */
  after: Hash.optional(),
});
export type DamageQuery = z.infer<typeof DamageQuery>;

export const DamageResponse = z.strictObject({
  hashes: z.array(Hash),
  /** There may be more after this one. */
  next: Hash.optional(),
});
export type DamageResponse = z.infer<typeof DamageResponse>;

/**
 * POST /heal: which blocks the device can give, and which it could not get. The first are named once before their content
 * is sent and, to have it noticed, once after.
 */
export const HealRequest = z.strictObject({
  device_id: Uuid,
  hashes: z.array(Hash).max(limits.healsPerCall),
  /** Blocks of the user's files that the store lacks or that arrive damaged: the service looks, and sets bad ones aside. */
  suspects: z.array(Hash).max(limits.suspectsPerCall).optional(),
});
export type HealRequest = z.infer<typeof HealRequest>;

export const HealResponse = z.strictObject({
  /** `PUT url` with exactly these headers and the content as the body. Blocks that are not listed need nothing (more). */
  send: z.array(z.strictObject({ hash: Hash, url: z.url(), headers: z.record(z.string(), z.string()) })),
});
export type HealResponse = z.infer<typeof HealResponse>;
