import type { Block } from '../../protocol/entry.ts';
import { type Content, inodeOfIdentity } from '../plan/tree.ts';
import { type AtPath, type Held, isUnited } from './at-path.ts';
import { isPacked, pack } from './packed-row.ts';

/** A path in the state's file. */
export interface PathRow {
  readonly path: string;
  /** A packed entry; or JSON: the entries by tree, or as `all` the one that serves them all, each with the number of its blocks. */
  readonly row: string;
  /** The blocks of entries that are not packed, in the order of these. */
  readonly blocks: Uint8Array | null;
  /** Of what the disk holds there. */
  readonly inode: bigint | null;
  /** Of what both sides agreed on, where it is another one. */
  readonly base_inode: bigint | null;
}

export const putRow = 'INSERT OR REPLACE INTO rows (path, row, blocks, inode, base_inode) VALUES (?, ?, ?, ?, ?)';

/** The row of a path at which no tree has anything. */
export const NOTHING = '{}';

const HASH_BYTES = 32;
/** Bytes per block in a row: its SHA-256, then its size, big-endian. */
const BLOCK_ROW_BYTES = HASH_BYTES + 4;

/** @param here as `united` gives it */
export function encodeRow(here: AtPath): Omit<PathRow, 'path'> {
  const held = pack(here);
  const [inode, base] = [inodeOf(here.local), inodeOf(here.synced)];
  const inodes = { inode, base_inode: base === inode ? null : base };
  if (typeof held === 'string') return { row: held, blocks: null, ...inodes };
  const named = Object.entries(isUnited(here) ? { all: here.local } : here).filter(([, entry]) => entry) as [
    string,
    Content,
  ][];
  const json = Object.fromEntries(named.map(([name, entry]) => [name, { ...entry, blocks: entry.blocks.length }]));
  return { row: JSON.stringify(json), blocks: encodeBlocks(named.flatMap(([, { blocks }]) => blocks)), ...inodes };
}

/** Reverses `encodeRow`. */
export function decodeRow({ row, blocks }: Pick<PathRow, 'row' | 'blocks'>): Held {
  if (isPacked(row)) return row;
  const all = decodeBlocks(blocks ?? new Uint8Array(0));
  let from = 0;
  const numbered = Object.entries(JSON.parse(row) as Record<string, { readonly blocks: number }>);
  const decoded = numbered.map(([name, entry]) => {
    const own = all.slice(from, from + entry.blocks);
    from += entry.blocks;
    return [name, { ...entry, blocks: own }];
  });
  const { all: one, ...each } = Object.fromEntries(decoded);
  return one ? { local: one, remote: one, synced: one } : each;
}

function inodeOf(entry: { readonly identity: string } | undefined): bigint | null {
  return entry ? asInteger(inodeOfIdentity(entry.identity)) : null;
}

/** As SQLite takes one: of 64 bits, with a sign. */
export function asInteger(inode: bigint): bigint {
  return BigInt.asIntN(64, inode);
}

function encodeBlocks(blocks: readonly Block[]): Uint8Array {
  const bytes = Buffer.alloc(blocks.length * BLOCK_ROW_BYTES);
  for (const [index, { hash, size }] of blocks.entries()) {
    bytes.write(hash, index * BLOCK_ROW_BYTES, 'hex');
    bytes.writeUInt32BE(size, index * BLOCK_ROW_BYTES + HASH_BYTES);
  }
  return bytes;
}

/** Reverses `encodeBlocks`. */
export function decodeBlocks(row: Uint8Array): Block[] {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  const blocks: Block[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK_ROW_BYTES) {
    blocks.push({ hash: bytes.toString('hex', at, at + HASH_BYTES), size: bytes.readUInt32BE(at + HASH_BYTES) });
  }
  return blocks;
}
