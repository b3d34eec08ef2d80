import type { Contents } from '../../protocol/changes.ts';
import type { RemoteEntry } from '../plan/tree.ts';
import type { SmallContents } from './small-contents.ts';

/** Bytes of contents that are kept, encoded: what they belong to is mostly fetched at once. */
export const MOST_AT_HAND = 8 * 1024 * 1024;

/** Small contents that came with pushes and with changes, encoded, until they are used; the oldest give way. */
export class ContentsAtHand {
  readonly #byHash = new Map<string, Uint8Array>();
  #bytes = 0;

  /** @returns how many bytes these are */
  note(contents: Contents): number {
    let bytes = 0;
    for (const [hash, base64] of Object.entries(contents)) {
      const encoded = Buffer.from(base64, 'base64');
      bytes += encoded.length;
      this.#take(hash);
      this.#byHash.set(hash, encoded);
    }
    this.#bytes += bytes;
    for (const oldest of this.#byHash.keys()) {
      if (this.#bytes <= MOST_AT_HAND) break;
      this.#take(oldest);
    }
    return bytes;
  }

  /** Hands those of some files over, each once. */
  handOver(files: readonly { readonly remote: RemoteEntry }[], to: Pick<SmallContents, 'put'>): void {
    for (const { hash } of files.flatMap(({ remote }) => remote.blocks)) {
      const encoded = this.#take(hash);
      if (encoded) to.put(hash, encoded);
    }
  }

  #take(hash: string): Uint8Array | undefined {
    const encoded = this.#byHash.get(hash);
    if (encoded && this.#byHash.delete(hash)) this.#bytes -= encoded.length;
    return encoded;
  }
}
