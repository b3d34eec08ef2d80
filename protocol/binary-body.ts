import type * as z from 'zod';

/** What a header says of each of the parts that follow it, in order. */
type Lengths<Header> = (header: Header) => readonly { readonly bytes: number }[];

/**
 * A binary body: the header's length (4 bytes, big-endian), the header as UTF-8 JSON, then the parts back to back. The
 * header says how long each is.
 */
export function encodeBody(header: unknown, parts: readonly Uint8Array[]): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const body = new Uint8Array(4 + json.length + parts.reduce((sum, part) => sum + part.length, 0));
  new DataView(body.buffer).setUint32(0, json.length);
  body.set(json, 4);
  let offset = 4 + json.length;
  for (const part of parts) {
    body.set(part, offset);
    offset += part.length;
  }
  return body;
}

/** Reverses `encodeBody`. Throws `SyntaxError` or `ZodError` with what is wrong; never reads past the body. */
export function decodeBody<Schema extends z.ZodType>(
  body: Uint8Array,
  schema: Schema,
  lengths: Lengths<z.output<Schema>>,
): { header: z.output<Schema>; parts: Uint8Array[] } {
  if (body.length < 4) throw new SyntaxError('the body ends inside its 4-byte header length');
  const headerLength = new DataView(body.buffer, body.byteOffset, body.byteLength).getUint32(0);
  if (headerLength > body.length - 4) throw new SyntaxError('the header length exceeds the body');
  const json = new TextDecoder('utf-8', { fatal: true }).decode(body.subarray(4, 4 + headerLength));
  const header = schema.parse(JSON.parse(json));
  let offset = 4 + headerLength;
  const parts = lengths(header).map(({ bytes }) => {
    if (bytes > body.length - offset) throw new SyntaxError('a part runs past the end of the body');
    offset += bytes;
    return body.subarray(offset - bytes, offset);
  });
  if (offset !== body.length) throw new SyntaxError(`${body.length - offset} bytes follow the last part`);
  return { header, parts };
}
