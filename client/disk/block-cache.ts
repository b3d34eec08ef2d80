import { mkdir, readdir, readFile, rename, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, toHex } from '../../codec/index.ts';
import type { OldBlock } from '../../codec/node/segment.ts';
import type { Block } from '../../protocol/entry.ts';
import { stateFolder } from '../../protocol/reserved-name.ts';
import { systemCode } from '../common/errors.ts';

/** Bytes for blocks of the versions before, what deltas are computed against, unless the user chose otherwise. */
const DEFAULT_CAPACITY = 1024 ** 3;

/** What stays free of cached blocks, since the files come first: this part of the disk, or this many bytes if less. */
const FREE_SHARE = 0.1;
const FREE_BYTES = 2 * 1024 ** 3;

/** Smaller blocks are not kept: sending one whole costs hardly more than a delta with its envelope. */
const MIN_BLOCK_BYTES = 4096;

/** Of a file beyond this many bytes that is new here sketches are kept in place of its blocks. */
export const SKETCHED_FILE_BYTES = 128 * 1024 ** 2;

/** What is kept of a block: all of it, in a file of its hash's name, or its sketch. */
interface Kept {
  /** Bytes on the disk. */
  readonly bytes: number;
  /** Bytes of the block. */
  readonly size: number;
  readonly isSketch: boolean;
}

/**
 * Recently synced blocks by hash, or sketches of them. Those that an edit replaced are dropped first, then the least
 * recently used. `get` verifies a block. It is a convenience: what the disk refuses it is not kept, and no failure of the
 * disk is one of the sync.
 */
export class BlockCache {
  readonly #folder: string;
  readonly #capacity: number;
  readonly #hasRoom: (place: string) => Promise<boolean>;
  /** By hash, least recently used first. */
  readonly #kept = new Map<string, Kept>();
  /** Hashes of those that an edit replaced, and that nothing has used since. */
  readonly #replaced = new Set<string>();
  #bytes = 0;
  #writes = 0;

  /** @param hasRoom whether the disk below a folder has room for more than files */
  constructor(root: string, capacity = DEFAULT_CAPACITY, hasRoom = diskHasRoom) {
    this.#hasRoom = hasRoom;
    this.#folder = join(root, stateFolder, 'blocks');
    this.#capacity = capacity;
  }

  /** Finds what earlier runs left. */
  async open(): Promise<void> {
    const found: { hash: string; kept: Kept; used: number }[] = [];
    for (const name of await this.#names()) {
      const place = join(this.#folder, name);
      const [, hash, size] = /^([0-9a-f]{64})(?:\.([0-9]+))?$/.exec(name) ?? [];
      const stats = hash === undefined ? undefined : await stat(place).catch(() => undefined);
      if (hash === undefined || !stats) {
        await remove(place);
        continue;
      }
      const isSketch = size !== undefined;
      const kept = { bytes: stats.size, size: isSketch ? Number(size) : stats.size, isSketch };
      found.push({ hash, kept, used: stats.mtimeMs });
    }
    for (const { hash, kept } of found.sort((one, other) => one.used - other.used)) this.#note(hash, kept);
    while (this.#bytes > this.#capacity) await this.dropOldest();
  }

  async #names(): Promise<string[]> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      return await readdir(this.#folder);
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      return [];
    }
  }

  /** Whether all of the block is here. */
  has(hash: string): boolean {
    return this.#kept.get(hash)?.isSketch === false;
  }

  /** Where the block lies, or its sketch; not verified, and gone once newer ones take its room. */
  placeOf(hash: string): OldBlock | undefined {
    const kept = this.#kept.get(hash);
    if (!kept) return undefined;
    this.#use(hash, kept);
    const { size, isSketch } = kept;
    return { path: this.#place(hash, kept), offset: 0, size, isSketch };
  }

  /** The verified block, or `undefined`. */
  async get(hash: string): Promise<Uint8Array | undefined> {
    const kept = this.#kept.get(hash);
    if (!kept || kept.isSketch) return undefined;
    const bytes = await readFile(this.#place(hash, kept)).catch(() => undefined);
    if (!bytes || toHex(await sha256(bytes)) !== hash) {
      await this.#drop(hash);
      return undefined;
    }
    this.#use(hash, kept);
    return bytes;
  }

  /** What was made from the block is not what it was to be: drops its sketch, or the block if that is damaged. */
  async doubt(hash: string): Promise<void> {
    if (this.#kept.get(hash)?.isSketch) await this.#drop(hash);
    else await this.get(hash);
  }

  /** Keeps a block, if there is room for it, unless there is a sketch of it. */
  async put(hash: string, bytes: Uint8Array): Promise<void> {
    await this.#keep(hash, bytes, { bytes: bytes.length, size: bytes.length, isSketch: false });
  }

  /**
   * Keeps the sketch of a block, if there is room for it, unless all of that is here.
   * @param size of the block
   */
  async putSketch(hash: string, size: number, sketch: Uint8Array): Promise<void> {
    await this.#keep(hash, sketch, { bytes: sketch.length, size, isSketch: true });
  }

  async #keep(hash: string, bytes: Uint8Array, kept: Kept): Promise<void> {
    if (kept.size < MIN_BLOCK_BYTES || kept.bytes > this.#capacity || this.#kept.has(hash)) return;
    while (!(await this.#hasRoom(this.#folder))) if (!(await this.dropOldest())) return;
    const temporary = join(this.#folder, `new-${process.pid}-${this.#writes++}`);
    try {
      await writeFile(temporary, bytes, { mode: 0o600 });
      await rename(temporary, this.#place(hash, kept));
    } catch (error) {
      await remove(temporary);
      if (systemCode(error) === undefined) throw error;
      return;
    }
    this.#note(hash, kept);
    while (this.#bytes > this.#capacity) await this.dropOldest();
  }

  /** An edit replaced some of the blocks of a file: those give way before all that files still have. */
  async edited(before: readonly Block[], after: readonly Block[]): Promise<void> {
    const stays = new Set(after.map(({ hash }) => hash));
    for (const { hash } of before) {
      const kept = this.#kept.get(hash);
      if (!kept || stays.has(hash) || this.#replaced.has(hash)) continue;
      this.#replaced.add(hash);
      // The next start takes it for the oldest.
      await utimes(this.#place(hash, kept), 0, 0).catch(() => undefined);
    }
  }

  /** Gives the room of the block back that is needed least; false when there is none. */
  async dropOldest(): Promise<boolean> {
    const [oldest] = this.#replaced.size > 0 ? this.#replaced : this.#kept.keys();
    if (oldest === undefined) return false;
    await this.#drop(oldest);
    return true;
  }

  #place(hash: string, { size, isSketch }: Kept): string {
    return join(this.#folder, isSketch ? `${hash}.${size}` : hash);
  }

  #use(hash: string, kept: Kept): void {
    this.#replaced.delete(hash);
    this.#kept.delete(hash);
    this.#kept.set(hash, kept);
  }

  #note(hash: string, kept: Kept): void {
    this.#bytes += kept.bytes - (this.#kept.get(hash)?.bytes ?? 0);
    this.#kept.set(hash, kept);
  }

  async #drop(hash: string): Promise<void> {
    const kept = this.#kept.get(hash);
    if (!kept) return;
    this.#bytes -= kept.bytes;
    this.#kept.delete(hash);
    this.#replaced.delete(hash);
    await remove(this.#place(hash, kept));
  }
}

/** What cannot be removed now is found, or removed, at the next start. */
async function remove(place: string): Promise<void> {
  await rm(place, { force: true }).catch(() => undefined);
}

async function diskHasRoom(place: string): Promise<boolean> {
  const stats = await statfs(place).catch(() => undefined);
  return !!stats && stats.bavail * stats.bsize >= Math.min(stats.blocks * stats.bsize * FREE_SHARE, FREE_BYTES);
}
