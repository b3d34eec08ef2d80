import * as z from 'zod';
import { decodeBody, encodeBody } from './binary-body.ts';
import { Block } from './entry.ts';
import { limits } from './limits.ts';
import { Timeline } from './timeline.ts';
import { UploadInitRequest } from './upload-init.ts';

export const saveContentType = 'application/vnd.tidemark.save';

/** A block whose content is in the call: a delta with no base, of so many `bytes`. */
const SentBlock = Block.extend({
  size: z.int().min(1).max(limits.smallBytes),
  bytes: z.int().min(1).max(limits.smallEncodedBytes),
});

/**
 * POST /save: an upload that brings small content along. It opens the upload as upload-init does, keeps the contents, and
 * commits at once what has all of its blocks; answers `CommitResponse`. A file that lacks some, or whose content is bad,
 * stays in the upload: upload-init under the same id asks for it. A retry, here or of finalize under this id, changes
 * nothing and answers the same.
 */
export const SaveHeader = UploadInitRequest.omit({ after: true }).extend({
  timeline: Timeline,
  /** In the order in which they follow the header. */
  contents: z.array(SentBlock).max(limits.contentsPerCall),
});
export type SaveHeader = z.infer<typeof SaveHeader>;

/** The body of POST /save, see `encodeBody`: the encoded contents follow the header. */
export function encodeSaveBody(header: SaveHeader, contents: readonly Uint8Array[]): Uint8Array {
  return encodeBody(header, contents);
}

/** Reverses `encodeSaveBody`, as `decodeBody`. */
export function decodeSaveBody(body: Uint8Array): { header: SaveHeader; contents: Uint8Array[] } {
  const { header, parts } = decodeBody(body, SaveHeader, ({ contents }) => contents);
  return { header, contents: parts };
}
