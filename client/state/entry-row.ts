import { fromHex, toHex } from '../../codec/index.ts';
import type { Block } from '../../protocol/entry.ts';
import type { Content } from '../plan/tree.ts';

export interface EntryRow {
  readonly tree: string;
  readonly path: string;
  readonly entry: string;
  readonly blocks: Uint8Array;
}

/** Bytes per block in a row: its SHA-256, then its size, big-endian. */
const BLOCK_ROW_BYTES = 36;

export function encodeEntry(entry: Content): { json: string; blocks: Uint8Array } {
  const { blocks, ...rest } = entry;
  const bytes = new Uint8Array(blocks.length * BLOCK_ROW_BYTES);
  const view = new DataView(bytes.buffer);
  blocks.forEach(({ hash, size }, index) => {
    bytes.set(fromHex(hash), index * BLOCK_ROW_BYTES);
    view.setUint32(index * BLOCK_ROW_BYTES + 32, size);
  });
  return { json: JSON.stringify(rest), blocks: bytes };
}

/** Reverses `encodeEntry`; which tree's entry it is, the row says. */
export function decodeEntry(row: EntryRow): Content {
  const view = new DataView(row.blocks.buffer, row.blocks.byteOffset, row.blocks.byteLength);
  const blocks: Block[] = [];
  for (let at = 0; at < row.blocks.length; at += BLOCK_ROW_BYTES) {
    blocks.push({ hash: toHex(row.blocks.subarray(at, at + 32)), size: view.getUint32(at + 32) });
  }
  return { ...(JSON.parse(row.entry) as Omit<Content, 'blocks'>), blocks };
}
