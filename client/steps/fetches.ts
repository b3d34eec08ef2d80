import type { Contents } from '../../protocol/changes.ts';
import type { DownloadResponse } from '../../protocol/download.ts';
import { limits } from '../../protocol/limits.ts';
import { CallBytes } from '../common/call-bytes.ts';
import type { RemoteEntry } from '../plan/tree.ts';

/** Bytes of text for each byte. */
const IN_BASE64 = 4 / 3;
/** Bytes that an answer takes, at least, for a content that lies elsewhere. */
const LEAST = 512;

/** Blocks that a device lacks of a file. */
interface Lacks {
  readonly file: { readonly remote: Pick<RemoteEntry, 'blocks'> };
  readonly lacks: readonly string[];
}

/** An answer, as far as it grows with content. */
interface Carrying {
  readonly contents?: Contents | undefined;
  readonly deltas?: DownloadResponse['deltas'] | undefined;
}

/** Calls that ask for content: how much of it their answers may carry, and how much they will. */
export class Fetches extends CallBytes {
  /** Of each byte of a content that fits a row as it is. */
  #ofByte = IN_BASE64;
  /** Of a content that is larger than a row: encoded it may fit one all the same, or it lies elsewhere. */
  #ofLarger = Math.ceil(IN_BASE64 * limits.rowBytes);

  override get most(): number {
    return Math.min(super.most, limits.contentBytesPerAnswer);
  }

  /** Makes a call whose answer may carry so many bytes of contents, and learns of how long it takes for those, and the deltas, that came. */
  asking<Answer extends { readonly body: Carrying }>(most: number, call: () => Promise<Answer>): Promise<Answer> {
    return this.measured(most, call, ({ body: { contents = {}, deltas = {} } }) =>
      bytesOf([...Object.values(contents), ...Object.values(deltas).map(({ encoded }) => encoded)]),
    );
  }

  /** Bytes that the small contents among the blocks probably take in an answer. */
  weigh({ file, lacks }: Lacks): number {
    const sizes = sizesOf(file);
    const small = lacks.map((hash) => sizes.get(hash)!).filter((size) => size <= limits.smallBytes);
    return small.reduce((sum, size) => sum + (isLarger(size) ? this.#ofLarger : Math.ceil(this.#ofByte * size)), 0);
  }

  /** Learns of an answer what the next ones will take. */
  answered(call: readonly Lacks[], { contents, packed }: Pick<DownloadResponse, 'contents' | 'packed'>): void {
    const sizes = new Map(call.flatMap(({ file }) => [...sizesOf(file)]));
    const isOfLarger = (hash: string): boolean => isLarger(sizes.get(hash) ?? 0);
    const { larger = [], fitting = [] } = Object.groupBy(Object.entries(contents), ([hash]) =>
      isOfLarger(hash) ? 'larger' : 'fitting',
    );
    const all = larger.length + Object.keys(packed).filter(isOfLarger).length;
    if (all > 0) this.#ofLarger = Math.max(LEAST, Math.round(bytesOf(larger.map(([, content]) => content)) / all));
    const bytes = fitting.reduce((sum, [hash]) => sum + (sizes.get(hash) ?? 0), 0);
    if (bytes > 0) this.#ofByte = bytesOf(fitting.map(([, content]) => content)) / bytes;
  }
}

/** Bytes of what an answer has in base64. */
function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}

const isLarger = (size: number): boolean => size > limits.rowBytes;

function sizesOf({ remote }: Lacks['file']): Map<string, number> {
  return new Map(remote.blocks.map(({ hash, size }) => [hash, size]));
}
