import type { Block } from '../../protocol/entry.ts';
import { type Content, type LocalEntry, type RemoteEntry, type SyncedEntry, same } from '../plan/tree.ts';

/** What the trees have at a path. */
export interface AtPath {
  local?: LocalEntry | undefined;
  remote?: RemoteEntry | undefined;
  synced?: SyncedEntry | undefined;
}

/** One entry that serves all three trees. */
export type Agreed = LocalEntry & RemoteEntry & SyncedEntry;

/** A path in the state's file. */
export interface PathRow {
  readonly path: string;
  /** JSON: the entries by tree, or as `all` the one that serves them all, each with the number of its blocks. */
  readonly entries: string;
  /** The blocks of the entries, in the order of these. */
  readonly blocks: Uint8Array;
}

/** Bytes per block in a row: its SHA-256, then its size, big-endian. */
const HASH_BYTES = 32;
const BLOCK_ROW_BYTES = HASH_BYTES + 4;

/** One entry for a path at which nothing is left to do, as most are: it takes a third of the memory, and of the file. */
export function agreedEntry({ local, remote, synced }: AtPath): Agreed | undefined {
  if (!local || !remote || !synced) return undefined;
  if (local.leftover || synced.lapsed || remote.moved_from !== undefined) return undefined;
  const isOne =
    same(local, remote) &&
    same(local, synced) &&
    local.mtime_ms === remote.mtime_ms &&
    local.mtime_ms === synced.mtime_ms &&
    local.identity === synced.identity &&
    remote.version === synced.version;
  if (!isOne) return undefined;
  const { kind, size, mode, mtime_ms, blocks, identity, hint } = local;
  return { kind, size, mode, mtime_ms, blocks, identity, hint, version: remote.version };
}

/** @param entries of one path: `all` for one that serves every tree */
export function encodeRow(entries: AtPath | { readonly all: Agreed }): Omit<PathRow, 'path'> {
  const named = Object.entries(entries).filter(([, entry]) => entry) as [string, Content][];
  const json = Object.fromEntries(named.map(([name, entry]) => [name, { ...entry, blocks: entry.blocks.length }]));
  return { entries: JSON.stringify(json), blocks: encodeBlocks(named.flatMap(([, { blocks }]) => blocks)) };
}

/** Reverses `encodeRow`. */
export function decodeRow({ entries, blocks }: Omit<PathRow, 'path'>): AtPath {
  const all = decodeBlocks(blocks);
  let from = 0;
  const numbered = Object.entries(JSON.parse(entries) as Record<string, { readonly blocks: number }>);
  const decoded = numbered.map(([name, entry]) => {
    const own = all.slice(from, from + entry.blocks);
    from += entry.blocks;
    return [name, { ...entry, blocks: own }];
  });
  const { all: one, ...each } = Object.fromEntries(decoded) as AtPath & { readonly all?: Agreed };
  return one ? { local: one, remote: one, synced: one } : each;
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
