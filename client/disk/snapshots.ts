import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stateFolder } from '../../protocol/reserved-name.ts';
import { discard } from '../common/replace-file.ts';

/** Bytes of all copies together. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Copies of files that are written all the time, each as it was when it was last looked at: what was offered of such a
 * file stays what it was until all of it is sent.
 */
export class Snapshots {
  readonly #folder: string;
  readonly #byPath = new Map<string, { readonly place: string; readonly size: number }>();
  #bytes = 0;
  #taken = 0;

  constructor(root: string) {
    this.#folder = join(root, stateFolder, 'snapshots');
  }

  /**
   * Where a copy of this size is to be written, in place of the one before; `undefined` when there is no room for it, or
   * the disk does not let it be.
   */
  async reserve(path: string, size: number): Promise<string | undefined> {
    await this.drop(path);
    const isThere = await mkdir(this.#folder, { recursive: true, mode: 0o700 }).then(
      () => true,
      () => false,
    );
    if (!isThere || this.#bytes + size > MOST_BYTES) return undefined;
    const place = join(this.#folder, String(this.#taken++));
    this.#byPath.set(path, { place, size });
    this.#bytes += size;
    return place;
  }

  /** Where the copy of this file lies. */
  placeOf(path: string): string | undefined {
    return this.#byPath.get(path)?.place;
  }

  get paths(): string[] {
    return [...this.#byPath.keys()];
  }

  async drop(path: string): Promise<void> {
    const copy = this.#byPath.get(path);
    if (!copy) return;
    this.#byPath.delete(path);
    this.#bytes -= copy.size;
    await discard(copy.place);
  }

  /** Drops all, and what an earlier run left. */
  async clear(): Promise<void> {
    this.#byPath.clear();
    this.#bytes = 0;
    await rm(this.#folder, { recursive: true, force: true }).catch(() => undefined);
  }
}
