import * as z from 'zod';
import { Entry } from './entry.ts';
import { ItemError } from './errors.ts';
import { Hash } from './hash.ts';
import { limits } from './limits.ts';
import { Version } from './numbers.ts';
import { Path } from './path.ts';
import { SentBits } from './sent-bits.ts';
import { Uuid } from './uuid.ts';

/** POST /download: which blocks make up each file, and those that the client lacks: the smallest themselves, else where to fetch them. */
export const DownloadRequest = z.strictObject({
  device_id: Uuid,
  /**
   * How many bytes of small contents the answer may have, of which the first comes in any case, and sixteen times as many of
   * deltas; as many as it may at all if absent.
   */
  contents: z.int().min(1).max(limits.contentBytesPerAnswer).optional(),
  files: z
    .array(
      z.strictObject({
        path: Path,
        /** A version that had this path; the current one if absent. */
        version: Version.optional(),
        /**
         * In place of a version, an upload of the user's own: the entry is the one that it brings, under the number that
         * follows its base until it is committed, and of the wanted blocks those have URLs that have arrived.
         */
        upload: Uuid.optional(),
        /** The blocks that are wanted of an upload, as its device told that they were sent. */
        sent: SentBits.optional(),
        /**
         * A version of this path that the device has, where it lacks more than the one after it: deltas then lead from its
         * blocks over those in between, if that is cheaper than a block.
         */
        from: Version.optional(),
        /** The blocks that are wanted; if absent those that were `sent`, else all of the file's. */
        lacks: z.array(Hash).max(limits.blocksPerCall).optional(),
        /** Of these, blocks that arrived damaged: their URLs lead past what caches have of them. */
        damaged: z.array(Hash).max(limits.damagedPerFile).optional(),
      }),
    )
    .min(1)
    .max(limits.filesPerCall),
});
export type DownloadRequest = z.infer<typeof DownloadRequest>;

export const DownloadResponse = z.strictObject({
  files: z.array(
    z.union([z.strictObject({ path: Path, entry: Entry }), z.strictObject({ path: Path, error: ItemError })]),
  ),
  /** Signed CDN URLs, one per distinct block that is neither among the contents nor packed, and one per pack of these. */
  urls: z.record(Hash, z.url()),
  /**
   * Small contents as they are kept: a delta with no base, in base64. As many as the answer has room for: a wanted block
   * that is neither here nor among the URLs comes with another call.
   */
  contents: z.record(Hash, z.base64()),
  /**
   * Small contents, encoded, that lie in packs: which, and where in it, in bytes. As many as the answer has room for; the
   * URL of the pack is there as well.
   */
  packed: z.record(
    Hash,
    z.strictObject({
      pack: Hash,
      at: z.int().min(0).max(limits.blockBytes),
      bytes: z.int().min(1).max(limits.smallEncodedBytes),
    }),
  ),
  /**
   * Deltas in base64 that make blocks of others, for whoever has these; as many as are kept and as the answer has room
   * for; the base of one may be what another makes. What goes wrong with one says nothing about its block, which is among the URLs as well.
   */
  deltas: z.record(
    Hash,
    z.strictObject({ base: z.array(Hash).min(1).max(limits.baseBlocksPerDelta), encoded: z.base64() }),
  ),
  /** Milliseconds since 1970 until which the URLs are valid. */
  urls_expire_at: z.int(),
});
export type DownloadResponse = z.infer<typeof DownloadResponse>;
