import * as z from 'zod';
import { decodeBody, encodeBody, parseJson, splitParts } from './binary-body.ts';
import { Block } from './entry.ts';
import { Hash } from './hash.ts';
import { limits } from './limits.ts';
import { Timeline } from './timeline.ts';
import { UploadInitRequest } from './upload-init.ts';

export const saveContentType = 'application/vnd.tidemark.save';

/** A block whose content comes with the call: a delta with no base, of so many `bytes`. */
const SentBlock = Block.extend({
  size: z.int().min(1).max(limits.smallBytes),
  bytes: z.int().min(1).max(limits.smallEncodedBytes),
  /** Which of `packs` it lies in; without, it follows the header. */
  pack: z
    .int()
    .min(0)
    .max(limits.packsPerCall - 1)
    .optional(),
});

/**
 * POST /save: an upload that brings small content along. It opens the upload as upload-init does, keeps the contents, and
 * commits at once what has all of its blocks; answers `CommitResponse`. A file that lacks some, or whose content is bad,
 * stays in the upload: upload-init under the same id asks for it. A retry, here or of finalize under this id, changes
 * nothing and answers the same.
 */
export const SaveHeader = UploadInitRequest.omit({ after: true })
  .extend({
    timeline: Timeline,
    /** Packs that were sent by `POST /packs` before. */
    packs: z.array(Block).max(limits.packsPerCall).optional(),
    /** In the order in which they follow the header, or one another in their pack, which has nothing else. */
    contents: z.array(SentBlock).max(limits.contentsPerCall),
  })
  .refine(
    ({ packs = [], contents }) =>
      new Set(packs.map(({ hash }) => hash)).size === packs.length &&
      contents.every(({ pack = -1 }) => pack < packs.length),
    { message: 'a pack comes twice, or a content is in none of them' },
  )
  .refine(({ packs = [], contents }) => packs.every(({ size }, pack) => size === bytesIn(contents, pack)), {
    message: 'the contents of a pack are not all of it',
  });
export type SaveHeader = z.infer<typeof SaveHeader>;

/** Bytes of the contents that lie in a pack. */
function bytesIn(contents: readonly z.infer<typeof SentBlock>[], pack: number): number {
  return contents.reduce((sum, content) => sum + (content.pack === pack ? content.bytes : 0), 0);
}

/** What the body says before the header: a header is encoded as contents are, for it names each of them. */
const Envelope = z.strictObject({
  /** Bytes of the encoded header, and of the JSON that it is. */
  bytes: z.int().min(1),
  size: z.int().min(1).max(limits.binaryBodyBytes),
  /** SHA-256 of the JSON. */
  hash: Hash,
  /** Bytes of all contents, which follow back to back. */
  contents: z.int().min(0),
});

/** A `SaveHeader` as JSON, encoded as a delta with no base. */
export interface EncodedHeader {
  readonly encoded: Uint8Array;
  /** Bytes of the JSON. */
  readonly size: number;
  /** Its SHA-256, in lower-case hex. */
  readonly hash: string;
}

/** The body of POST /save: an envelope, see `encodeBody`, around the encoded header and the encoded contents. */
export function encodeSaveBody({ encoded, ...json }: EncodedHeader, contents: readonly Uint8Array[]): Uint8Array {
  const bytes = contents.reduce((sum, content) => sum + content.length, 0);
  return encodeBody({ ...json, bytes: encoded.length, contents: bytes }, [encoded, ...contents]);
}

/** Reverses `encodeSaveBody`, as `decodeBody`; the contents still lie back to back. */
export function decodeSaveBody(body: Uint8Array): { header: EncodedHeader; contents: Uint8Array } {
  const { header, parts } = decodeBody(body, Envelope, ({ bytes, contents }) => [{ bytes }, { bytes: contents }]);
  const [encoded, contents] = parts as [Uint8Array, Uint8Array];
  return { header: { encoded, size: header.size, hash: header.hash }, contents };
}

/**
 * The header that some JSON is, and the contents that it names, nothing for those that lie in packs. Throws as
 * `decodeBody`.
 */
export function readSaveHeader(
  json: Uint8Array,
  contents: Uint8Array,
): { header: SaveHeader; contents: (Uint8Array | undefined)[] } {
  const header = SaveHeader.parse(parseJson(json));
  const following = splitParts(
    contents,
    header.contents.filter(({ pack }) => pack === undefined),
  ).values();
  return {
    header,
    contents: header.contents.map(({ pack }) => (pack === undefined ? following.next().value : undefined)),
  };
}
