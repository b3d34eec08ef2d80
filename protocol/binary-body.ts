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
  const header = schema.parse(parseJson(body.subarray(4, 4 + headerLength)));
  return { header, parts: splitParts(body.subarray(4 + headerLength), lengths(header)) };
}

/** Throws `SyntaxError` or `TypeError` for what is no JSON in UTF-8. */
export function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

/** Cuts bytes into parts of these lengths. Throws `SyntaxError` unless they are all of it. */
export function splitParts(bytes: Uint8Array, lengths: readonly { readonly bytes: number }[]): Uint8Array[] {
  let offset = 0;
  const parts = lengths.map(({ bytes: length }) => {
    if (length > bytes.length - offset) throw new SyntaxError('a part runs past the end of the body');
    offset += length;
    return bytes.subarray(offset - length, offset);
  });
  if (offset !== bytes.length) throw new SyntaxError(`${bytes.length - offset} bytes follow the last part`);
  return parts;
}
