import * as z from 'zod';
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

/**
 * POST /delta-apply carries one binary body: the header's length (4 bytes, big-endian), the header as UTF-8 JSON,
 * then the deltas back to back.
 */
export function encodeDeltaBody(header: DeltaApplyHeader, deltas: readonly Uint8Array[]): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const body = new Uint8Array(4 + json.length + deltas.reduce((sum, delta) => sum + delta.length, 0));
  new DataView(body.buffer).setUint32(0, json.length);
  body.set(json, 4);
  let offset = 4 + json.length;
  for (const delta of deltas) {
    body.set(delta, offset);
    offset += delta.length;
  }
  return body;
}

/** Reverses `encodeDeltaBody`. Throws `SyntaxError` or `ZodError` with what is wrong; never reads past the body. */
export function decodeDeltaBody(body: Uint8Array): { header: DeltaApplyHeader; deltas: Uint8Array[] } {
  if (body.length < 4) throw new SyntaxError('the body ends inside its 4-byte header length');
  const headerLength = new DataView(body.buffer, body.byteOffset, body.byteLength).getUint32(0);
  if (headerLength > body.length - 4) throw new SyntaxError('the header length exceeds the body');
  const json = new TextDecoder('utf-8', { fatal: true }).decode(body.subarray(4, 4 + headerLength));
  const header = DeltaApplyHeader.parse(JSON.parse(json));
  let offset = 4 + headerLength;
  const deltas = header.deltas.map(({ bytes }) => {
    if (bytes > body.length - offset) throw new SyntaxError('a delta runs past the end of the body');
    offset += bytes;
    return body.subarray(offset - bytes, offset);
  });
  if (offset !== body.length) throw new SyntaxError(`${body.length - offset} bytes follow the last delta`);
  return { header, deltas };
}
