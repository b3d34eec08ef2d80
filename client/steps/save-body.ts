import { encodeDelta, sha256, toHex } from '../../codec/index.ts';
import { encodeSaveBody, type SaveHeader } from '../../protocol/save.ts';

/** The body of a call that brings contents. */
export async function saveBody(header: SaveHeader, contents: readonly Uint8Array[]): Promise<Uint8Array> {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const encoded = encodeDelta(new Uint8Array(0), json);
  return encodeSaveBody({ encoded, size: json.length, hash: toHex(await sha256(json)) }, contents);
}
