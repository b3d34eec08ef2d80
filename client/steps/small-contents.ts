import { applyDelta, DeltaError } from '../../codec/index.ts';
import type { DownloadResponse } from '../../protocol/download.ts';
import type { Block } from '../../protocol/entry.ts';
import type { PackPart } from './pack-spans.ts';

const NOTHING = new Uint8Array(0);

/** Contents that came encoded, in answers or in parts of packs, and where in packs others lie. */
export class SmallContents {
  readonly #encoded = new Map<string, Uint8Array>();
  readonly #packed = new Map<string, PackPart>();

  note({ contents, packed }: Pick<DownloadResponse, 'contents' | 'packed'>): void {
    for (const [hash, content] of Object.entries(contents)) this.put(hash, Buffer.from(content, 'base64'));
    for (const [hash, part] of Object.entries(packed)) this.#packed.set(hash, part);
  }

  put(hash: string, encoded: Uint8Array): void {
    this.#encoded.set(hash, encoded);
  }

  has(hash: string): boolean {
    return this.#encoded.has(hash);
  }

  /** Where a content lies in a pack. */
  partOf(hash: string): PackPart | undefined {
    return this.#packed.get(hash);
  }

  /** The block and the bytes that came for it, if it came; `bad` once where what came is another content. */
  async decode({ hash, size }: Block): Promise<{ bytes: Uint8Array; received: number } | 'bad' | undefined> {
    const encoded = this.#encoded.get(hash);
    if (!encoded) return undefined;
    try {
      const bytes = await applyDelta(NOTHING, encoded, { expectedSize: size, expectedHash: hash });
      return { bytes, received: encoded.length };
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      this.#encoded.delete(hash);
      this.#packed.delete(hash);
      return 'bad';
    }
  }
}
