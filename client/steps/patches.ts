import pLimit from 'p-limit';
import { applyDelta, DeltaError, targetSizeOf } from '../../codec/index.ts';
import type { DownloadResponse } from '../../protocol/download.ts';
import type { Block } from '../../protocol/entry.ts';
import type { Sync } from './context.ts';
import { blockPlaces, readPlace } from './folder-blocks.ts';

/** Each holds a base of up to 12 MiB and a block of 4 MiB. */
const AT_ONCE = 2;

type Parts = Pick<Sync, 'root' | 'snapshots' | 'state' | 'cache'>;

interface Delta {
  readonly base: readonly string[];
  readonly encoded: Uint8Array;
}

/** Blocks that are made of what this disk has and of deltas that came in an answer. */
export class Patches {
  readonly #sync: Parts;
  readonly #limit = pLimit(AT_ONCE);
  readonly #deltas = new Map<string, Delta>();

  constructor(sync: Parts) {
    this.#sync = sync;
  }

  note(deltas: DownloadResponse['deltas']): void {
    for (const [hash, { base, encoded }] of Object.entries(deltas)) {
      this.#deltas.set(hash, { base, encoded: Buffer.from(encoded, 'base64') });
    }
  }

  /**
   * The block of the file at a path, and the bytes that came for it; `undefined` where there is no delta for it, or no
   * good one, or not its base.
   */
  async make(path: string, { hash }: Block): Promise<{ bytes: Uint8Array; received: number } | undefined> {
    const used = new Set<string>();
    const bytes = await this.#limit(() => this.#apply(path, hash, used));
    const received = [...used].reduce((sum, each) => sum + this.#deltas.get(each)!.encoded.length, 0);
    // What did not help once does not help again.
    if (!bytes) this.#deltas.delete(hash);
    return bytes && { bytes, received };
  }

  /** @param used takes the hashes of what was made on the way: no delta is needed for its own base */
  async #apply(path: string, hash: string, used: Set<string>): Promise<Uint8Array | undefined> {
    const delta = this.#deltas.get(hash);
    if (!delta || used.has(hash)) return undefined;
    used.add(hash);
    const base = await this.#base(path, delta.base, used);
    try {
      const expectedSize = targetSizeOf(delta.encoded);
      return base && (await applyDelta(base, delta.encoded, { expectedSize, expectedHash: hash }));
    } catch (error) {
      if (error instanceof DeltaError) return undefined;
      throw error;
    }
  }

  /** Blocks in one piece, not verified: what is made of them is. */
  async #base(path: string, hashes: readonly string[], used: Set<string>): Promise<Uint8Array | undefined> {
    const places = blockPlaces(path, this.#sync.state.trees.local.get(path)?.blocks ?? []);
    const blocks: Uint8Array[] = [];
    for (const hash of hashes) {
      const place = places.get(hash);
      const here = place ? await readPlace(this.#sync, place).catch(() => undefined) : await this.#sync.cache.get(hash);
      const bytes = here ?? (await this.#apply(path, hash, used));
      if (!bytes) return undefined;
      blocks.push(bytes);
    }
    return Buffer.concat(blocks);
  }
}
