import { hash as sha256Here } from 'node:crypto';
import { open } from 'node:fs/promises';
import { sha256, toHex } from '../../codec/index.ts';
import { limits } from '../../protocol/limits.ts';
import { systemCode } from '../common/errors.ts';
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

type Folder = Pick<Sync, 'root' | 'snapshots'>;

/** Where the content lies that was last seen of a file: in its copy, or in the file itself. */
export function contentPlace({ root, snapshots }: Folder, path: string): string {
  return snapshots.placeOf(path) ?? diskPath(root, path);
}

/** Reads what lies at a block's place now; less than the block's size where the file ends before. */
export async function readPlace(folder: Folder, { path, offset, size }: BlockPlace): Promise<Uint8Array> {
  const place = contentPlace(folder, path);
  if (size <= limits.smallBytes) return readPart(place, offset, size);
  const file = await open(place, 'r');
  try {
    return await readAt(file, offset, size);
  } finally {
    await file.close();
  }
}

/** Reads a block and checks its hash; throws `DiskChanged` when the file does not hold it there any more. */
export async function readBlock(folder: Folder, place: BlockPlace, hash: string): Promise<Uint8Array> {
  const bytes = await readPlace(folder, place);
  const actual = place.size <= limits.smallBytes ? sha256Here('sha256', bytes) : toHex(await sha256(bytes));
  if (bytes.length !== place.size || actual !== hash) throw new DiskChanged(`${place.path} changed while it was read`);
  return bytes;
}

/** `readBlock`; `undefined`, and another look at the file, when it cannot be read or does not hold the block any more. */
export async function readIfThere(
  sync: Folder & Pick<Sync, 'notices'>,
  place: BlockPlace,
  hash: string,
): Promise<Uint8Array | undefined> {
  try {
    return await readBlock(sync, place, hash);
  } catch (error) {
    if (!(error instanceof DiskChanged) && systemCode(error) === undefined) throw error;
    sync.notices.lookAgain(place.path);
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
