import * as z from 'zod';
import { Entry } from './entry.ts';
import { ItemError } from './errors.ts';
import { Hash } from './hash.ts';
import { limits } from './limits.ts';
import { Version } from './numbers.ts';
import { Path } from './path.ts';
import { Uuid } from './uuid.ts';

/** POST /download: which blocks make up each file, and where to fetch those that the client lacks. */
export const DownloadRequest = z.strictObject({
  device_id: Uuid,
  files: z
    .array(
      z.strictObject({
        path: Path,
        /** A version that had this path; the current one if absent. */
        version: Version.optional(),
        /** The blocks to sign URLs for; all of the file's if absent. */
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
  /** Signed CDN URLs, one per distinct block. */
  urls: z.record(Hash, z.url()),
  /** Milliseconds since 1970 until which the URLs are valid. */
  urls_expire_at: z.int(),
});
export type DownloadResponse = z.infer<typeof DownloadResponse>;
