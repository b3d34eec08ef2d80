import pLimit from 'p-limit';
import { applyDelta, DeltaError } from '../../codec/index.ts';
import type { DownloadResponse } from '../../protocol/download.ts';
import type { Block } from '../../protocol/entry.ts';
import type { Sync } from './context.ts';
import { blockPlaces, readPlace } from './folder-blocks.ts';

/** Each holds a base of up to 12 MiB and a block of 4 MiB. */
const AT_ONCE = 2;

type Parts = Pick<Sync, 'root' | 'snapshots' | 'state' | 'cache'>;
type Delta = DownloadResponse['deltas'][string];

/** Blocks that are made of what this disk has and of deltas that came in an answer. */
export class Patches {
  readonly #sync: Parts;
  readonly #limit = pLimit(AT_ONCE);
  readonly #deltas = new Map<string, Delta>();

  constructor(sync: Parts) {
    this.#sync = sync;
  }

  note(deltas: DownloadResponse['deltas']): void {
    for (const [hash, delta] of Object.entries(deltas)) this.#deltas.set(hash, delta);
  }

  /**
   * The block of the file at a path, and the bytes that came for it; `undefined` where there is no delta for it, or no
   * good one, or not its base.
   */
  async make(path: string, { hash, size }: Block): Promise<{ bytes: Uint8Array; received: number } | undefined> {
    const delta = this.#deltas.get(hash);
    if (!delta) return undefined;
    this.#deltas.delete(hash);
    const encoded = Buffer.from(delta.encoded, 'base64');
    const bytes = await this.#limit(() => this.#apply(path, delta.base, encoded, { hash, size }));
    return bytes && { bytes, received: encoded.length };
  }

  async #apply(
    path: string,
    hashes: readonly string[],
    encoded: Uint8Array,
    { hash, size }: Block,
  ): Promise<Uint8Array | undefined> {
    const base = await this.#base(path, hashes);
    try {
      return base && (await applyDelta(base, encoded, { expectedSize: size, expectedHash: hash }));
    } catch (error) {
      if (error instanceof DeltaError) return undefined;
      throw error;
    }
  }

  /** Blocks in one piece, not verified: what is made of them is. */
  async #base(path: string, hashes: readonly string[]): Promise<Uint8Array | undefined> {
    const places = blockPlaces(path, this.#sync.state.trees.local.get(path)?.blocks ?? []);
    const blocks: Uint8Array[] = [];
    for (const hash of hashes) {
      const place = places.get(hash);
      const bytes = place
        ? await readPlace(this.#sync, place).catch(() => undefined)
        : await this.#sync.cache.get(hash);
      if (!bytes) return undefined;
      blocks.push(bytes);
    }
    return Buffer.concat(blocks);
  }
}
