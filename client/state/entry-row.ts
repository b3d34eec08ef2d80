import type { Block } from '../../protocol/entry.ts';
import { type Content, type LocalEntry, type RemoteEntry, type SyncedEntry, same } from '../plan/tree.ts';

/** What the trees have at a path. */
export interface AtPath {
  local?: LocalEntry | undefined;
  remote?: RemoteEntry | undefined;
  synced?: SyncedEntry | undefined;
}

/** An entry that serves all trees. */
export type United = LocalEntry & RemoteEntry & SyncedEntry;

/** Whether one entry serves all trees. */
export function isUnited(here: AtPath): here is { readonly [Tree in keyof AtPath]-?: United } {
  const { local, remote, synced }: { readonly [Tree in keyof AtPath]: Content | undefined } = here;
  return local !== undefined && local === remote && local === synced;
}

/** A path in the state's file. */
export interface PathRow {
  readonly path: string;
  /** JSON: the entries by tree, or as `all` the one that serves them all, each with the number of its blocks. */
  readonly entries: string;
  /** The blocks of the entries, in the order of these. */
  readonly blocks: Uint8Array;
}

const HASH_BYTES = 32;
/** Bytes per block in a row: its SHA-256, then its size, big-endian. */
const BLOCK_ROW_BYTES = HASH_BYTES + 4;

/** The entries of a path, as one that serves all three trees where nothing is left to do, as at most paths. */
export function united(here: AtPath): AtPath {
  const { local, remote, synced } = here;
  if (!local || !remote || !synced) return here;
  if (local.leftover || synced.lapsed || remote.moved_from !== undefined) return here;
  const isOne =
    same(local, remote) &&
    same(local, synced) &&
    local.mtime_ms === remote.mtime_ms &&
    local.mtime_ms === synced.mtime_ms &&
    local.identity === synced.identity &&
    remote.version === synced.version;
  if (!isOne) return here;
  const { kind, size, mode, mtime_ms, blocks, identity, hint } = local;
  const all: United = { kind, size, mode, mtime_ms, blocks, identity, hint, version: remote.version };
  return { local: all, remote: all, synced: all };
}

/** @param here as `united` gives it */
export function encodeRow(here: AtPath): Omit<PathRow, 'path'> {
  const named = Object.entries(isUnited(here) ? { all: here.local } : here).filter(([, entry]) => entry) as [
    string,
    Content,
  ][];
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
  const { all: one, ...each } = Object.fromEntries(decoded);
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
