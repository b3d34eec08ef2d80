import { hash as sha256Here } from 'node:crypto';
import { open } from 'node:fs/promises';
import { sha256, toHex } from '../../codec/index.ts';
import type { Block } from '../../protocol/entry.ts';
import { limits } from '../../protocol/limits.ts';
import { systemCode } from '../common/errors.ts';
import { readLink } from '../disk/links.ts';
import { diskPath } from '../disk/paths.ts';
import { readAt, readPart } from '../disk/read-at.ts';
import { DiskChanged } from '../disk/stamps.ts';
import { withOffsets } from '../plan/block-offsets.ts';
import type { Sync } from './context.ts';

/** A block's place in a file of the folder. */
export interface BlockPlace {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

/** Fewer bytes are fetched sooner than found among the blocks of 100,000 files. */
const SEARCH_BYTES = 1024 * 1024;

type Folder = Pick<Sync, 'root' | 'snapshots'>;

/** Where the content lies that was last seen of a file: in its copy, or in the file itself. */
export function contentPlace({ root, snapshots }: Folder, path: string): string {
  return snapshots.placeOf(path) ?? diskPath(root, path);
}

/**
 * Reads what lies at a block's place now; less than the block's size where the file ends before.
 * @param room where to, unless the block is small
 */
export async function readPlace(
  folder: Folder,
  { path, offset, size }: BlockPlace,
  room?: Buffer,
): Promise<Uint8Array> {
  const place = contentPlace(folder, path);
  if (size <= limits.smallBytes) return readSmall(place, offset, size);
  const file = await open(place, 'r');
  try {
    return await readAt(file, offset, size, room);
  } finally {
    await file.close();
  }
}

/** What is in a file, or what a symbolic link says. */
function readSmall(place: string, offset: number, size: number): Uint8Array {
  try {
    return readPart(place, offset, size);
  } catch (error) {
    if (systemCode(error) !== 'ELOOP') throw error;
    return readLink(place).subarray(offset, offset + size);
  }
}

/** Reads a block and checks its hash; throws `DiskChanged` when the file does not hold it there any more. */
export async function readBlock(folder: Folder, place: BlockPlace, hash: string, room?: Buffer): Promise<Uint8Array> {
  const bytes = await readPlace(folder, place, room);
  const actual = place.size <= limits.smallBytes ? sha256Here('sha256', bytes) : toHex(await sha256(bytes));
  if (bytes.length !== place.size || actual !== hash) throw new DiskChanged(`${place.path} changed while it was read`);
  return bytes;
}

/** `readBlock`; `undefined`, and another look at the file, when it cannot be read or does not hold the block any more. */
export async function readIfThere(
  sync: Folder & Pick<Sync, 'notices'>,
  place: BlockPlace,
  hash: string,
  room?: Buffer,
): Promise<Uint8Array | undefined> {
  return ifThere(sync, place, () => readBlock(sync, place, hash, room));
}

/** As `readIfThere`, for who verifies what is read: its hash is not looked at. */
export async function takeIfThere(
  sync: Folder & Pick<Sync, 'notices'>,
  place: BlockPlace,
  room: Buffer,
): Promise<Uint8Array | undefined> {
  return ifThere(sync, place, async () => {
    const bytes = await readPlace(sync, place, room);
    if (bytes.length !== place.size) throw new DiskChanged(`${place.path} ends before its block`);
    return bytes;
  });
}

async function ifThere(
  { notices }: Pick<Sync, 'notices'>,
  { path }: BlockPlace,
  read: () => Promise<Uint8Array>,
): Promise<Uint8Array | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DiskChanged) && systemCode(error) === undefined) throw error;
    notices.lookAgain(path);
    return undefined;
  }
}

/** Where the blocks of a file lie, by hash; of equal blocks the first. */
export function blockPlaces(path: string, blocks: readonly { hash: string; size: number }[]): Map<string, BlockPlace> {
  const places = new Map<string, BlockPlace>();
  for (const { hash, offset, size } of withOffsets(blocks)) {
    if (!places.has(hash)) places.set(hash, { path, offset, size });
  }
  return places;
}

/** Where in the folder blocks of these files lie already; the file's own old version first. */
export function findBlocks(
  sync: Pick<Sync, 'state' | 'cache'>,
  files: readonly { readonly path: string; readonly remote: { readonly blocks: readonly Block[] } }[],
): Map<string, BlockPlace> {
  const wanted = new Map(files.flatMap(({ remote }) => remote.blocks.map(({ hash, size }) => [hash, size])));
  const places = new Map<string, BlockPlace>();
  const search = (path: string): void => {
    for (const { hash, offset, size } of withOffsets(sync.state.trees.local.get(path)?.blocks ?? [])) {
      if (wanted.delete(hash)) places.set(hash, { path, offset, size });
    }
  };
  for (const { path } of files) search(path);
  for (const hash of wanted.keys()) if (sync.cache.has(hash)) wanted.delete(hash);
  if ([...wanted.values()].reduce((sum, size) => sum + size, 0) < SEARCH_BYTES) return places;
  const { local } = sync.state.trees;
  for (const path of local.pathsWithBlocks?.(wanted) ?? local.keys()) {
    if (wanted.size === 0) break;
    search(path);
  }
  return places;
}
