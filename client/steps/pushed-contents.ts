import type { News } from '../../protocol/changes.ts';
import type { RemoteEntry } from '../plan/tree.ts';
import type { SmallContents } from './small-contents.ts';

/** Contents that are kept: what they belong to is mostly fetched at once. */
const MOST = 64;

/** Small contents that came with pushes, encoded, until they are used. */
export class PushedContents {
  readonly #byHash = new Map<string, Uint8Array>();

  note(contents: News['contents']): void {
    for (const [hash, content] of Object.entries(contents)) this.#byHash.set(hash, Buffer.from(content, 'base64'));
    for (const oldest of this.#byHash.keys()) {
      if (this.#byHash.size <= MOST) break;
      this.#byHash.delete(oldest);
    }
  }

  /** Hands those of some files over, each once. */
  handOver(files: readonly { readonly remote: RemoteEntry }[], to: Pick<SmallContents, 'put'>): void {
    for (const { hash } of files.flatMap(({ remote }) => remote.blocks)) {
      const encoded = this.#byHash.get(hash);
      if (encoded && this.#byHash.delete(hash)) to.put(hash, encoded);
    }
  }
}
