import { createHash } from 'node:crypto';

/** One call that commits, by the id that its client chose. */
interface Call {
  kind: 'finalize' | 'delete' | 'move' | 'restore';
  id: string;
}

/**
 * The id of the version that one item of one call makes: the same on every retry, so that counting it twice or
 * inserting it twice is impossible. A retry that finds other blocks, say because another file is at the path now, makes
 * another version: what is counted for an id is what the version holds. An RFC 9562 version 8 UUID of SHA-256 over all
 * of this.
 */
export function versionId(
  namespaceId: string,
  { kind, id }: Call,
  { position, path, hashes }: { position: number; path: string; hashes: readonly string[] },
): string {
  const text = [namespaceId, kind, id, position, path, ...hashes].join('\n');
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Lower-case hex to the bytes that `bytea` columns hold. */
export function toBytes(hashes: readonly string[]): Buffer[] {
  return hashes.map((hash) => Buffer.from(hash, 'hex'));
}

export function toHexes(hashes: readonly Buffer[]): string[] {
  return hashes.map((hash) => hash.toString('hex'));
}
