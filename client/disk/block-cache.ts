import { mkdir, readdir, readFile, rename, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, toHex } from '../../codec/index.ts';
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

/**
 * Recently synced blocks by hash. Those that an edit replaced are dropped first, then the least recently used. `get`
 * verifies a block. It is a convenience: what the disk refuses it is not kept, and no failure of the disk is one of the
 * sync.
 */
export class BlockCache {
  readonly #folder: string;
  readonly #capacity: number;
  readonly #hasRoom: (place: string) => Promise<boolean>;
  /** Size by hash, least recently used first. */
  readonly #sizes = new Map<string, number>();
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
    const found: { hash: string; size: number; used: number }[] = [];
    for (const hash of await this.#names()) {
      const place = join(this.#folder, hash);
      const stats = /^[0-9a-f]{64}$/.test(hash) ? await stat(place).catch(() => undefined) : undefined;
      if (stats) found.push({ hash, size: stats.size, used: stats.mtimeMs });
      else await remove(place);
    }
    for (const { hash, size } of found.sort((one, other) => one.used - other.used)) this.#note(hash, size);
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

  has(hash: string): boolean {
    return this.#sizes.has(hash);
  }

  /** Where the block lies; not verified, and gone once newer ones take its room. */
  placeOf(hash: string): { path: string; offset: number; size: number } | undefined {
    const size = this.#sizes.get(hash);
    if (size === undefined) return undefined;
    this.#use(hash, size);
    return { path: join(this.#folder, hash), offset: 0, size };
  }

  /** The verified block, or `undefined`. */
  async get(hash: string): Promise<Uint8Array | undefined> {
    const size = this.#sizes.get(hash);
    if (size === undefined) return undefined;
    const bytes = await readFile(join(this.#folder, hash)).catch(() => undefined);
    if (!bytes || toHex(await sha256(bytes)) !== hash) {
      await this.#drop(hash);
      return undefined;
    }
    this.#use(hash, size);
    return bytes;
  }

  /** Keeps a block, if there is room for it. */
  async put(hash: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length < MIN_BLOCK_BYTES || bytes.length > this.#capacity || this.#sizes.has(hash)) return;
    while (!(await this.#hasRoom(this.#folder))) if (!(await this.dropOldest())) return;
    const temporary = join(this.#folder, `new-${process.pid}-${this.#writes++}`);
    try {
      await writeFile(temporary, bytes, { mode: 0o600 });
      await rename(temporary, join(this.#folder, hash));
    } catch (error) {
      await remove(temporary);
      if (systemCode(error) === undefined) throw error;
      return;
    }
    this.#note(hash, bytes.length);
    while (this.#bytes > this.#capacity) await this.dropOldest();
  }

  /** An edit replaced some of the blocks of a file: those give way before all that files still have. */
  async edited(before: readonly Block[], after: readonly Block[]): Promise<void> {
    const kept = new Set(after.map(({ hash }) => hash));
    for (const { hash } of before) {
      if (kept.has(hash) || !this.#sizes.has(hash) || this.#replaced.has(hash)) continue;
      this.#replaced.add(hash);
      // The next start takes it for the oldest.
      await utimes(join(this.#folder, hash), 0, 0).catch(() => undefined);
    }
  }

  /** Gives the room of the block back that is needed least; false when there is none. */
  async dropOldest(): Promise<boolean> {
    const [oldest] = this.#replaced.size > 0 ? this.#replaced : this.#sizes.keys();
    if (oldest === undefined) return false;
    await this.#drop(oldest);
    return true;
  }

  #use(hash: string, size: number): void {
    this.#replaced.delete(hash);
    this.#sizes.delete(hash);
    this.#sizes.set(hash, size);
  }

  #note(hash: string, size: number): void {
    if (!this.#sizes.has(hash)) this.#bytes += size;
    this.#sizes.set(hash, size);
  }

  async #drop(hash: string): Promise<void> {
    this.#bytes -= this.#sizes.get(hash) ?? 0;
    this.#sizes.delete(hash);
    this.#replaced.delete(hash);
    await remove(join(this.#folder, hash));
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
