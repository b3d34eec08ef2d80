import * as z from 'zod';
import { decodeBody, encodeBody } from './binary-body.ts';
import { ItemError } from './errors.ts';
import { Hash } from './hash.ts';
import { limits } from './limits.ts';
import { DeltaBase } from './upload-init.ts';
import { Uuid } from './uuid.ts';

export const deltaContentType = 'application/vnd.tidemark.deltas';

/** The JSON header of a delta-apply body; `bytes` cuts the bytes that follow it into deltas, in order. */
export const DeltaApplyHeader = z.strictObject({
  upload_id: Uuid,
  device_id: Uuid,
  deltas: z
    .array(
      z.strictObject({
        hash: Hash,
        size: z.int().min(1).max(limits.blockBytes),
        base: DeltaBase,
        bytes: z.int().min(1),
      }),
    )
    .min(1)
    .max(limits.deltasPerCall),
});
export type DeltaApplyHeader = z.infer<typeof DeltaApplyHeader>;

/** One bad delta fails alone; the client then sends that block whole. */
export const DeltaApplyResponse = z.strictObject({
  results: z.array(z.strictObject({ hash: Hash, error: ItemError.optional() })),
});
export type DeltaApplyResponse = z.infer<typeof DeltaApplyResponse>;

/** The body of POST /delta-apply, see `encodeBody`: the deltas follow the header. */
export function encodeDeltaBody(header: DeltaApplyHeader, deltas: readonly Uint8Array[]): Uint8Array {
  return encodeBody(header, deltas);
}

/** Reverses `encodeDeltaBody`, as `decodeBody`. */
export function decodeDeltaBody(body: Uint8Array): { header: DeltaApplyHeader; deltas: Uint8Array[] } {
  const { header, parts } = decodeBody(body, DeltaApplyHeader, ({ deltas }) => deltas);
  return { header, deltas: parts };
}
