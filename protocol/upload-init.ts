import * as z from 'zod';
import { Attributes, Block } from './entry.ts';
import { ItemError } from './errors.ts';
import { Hash } from './hash.ts';
import { limits } from './limits.ts';
import { BaseVersion, Version } from './numbers.ts';
import { Path } from './path.ts';
import { Uuid } from './uuid.ts';

/**
 * Where a delta's base lies: `count` neighbouring blocks, from index `first`, of a version that had this path, of the
 * user's own.
 * The base is always named through a version, never by hash: a hash is not a capability.
 */
export const DeltaBase = z.strictObject({
  path: Path,
  version: Version,
  first: z.int().min(0),
  count: z.int().min(1).max(limits.baseBlocksPerDelta),
});
export type DeltaBase = z.infer<typeof DeltaBase>;

/** A block that the client wants to store, with the delta that it could send instead of the content. */
const OfferedBlock = Block.extend({
  delta: z.strictObject({ base: DeltaBase, bytes: z.int().min(1) }).optional(),
});

export const OfferedFile = Attributes.extend({
  /** The version that this one replaces; 0 for a path where the client knows of nothing. */
  base_version: BaseVersion,
  blocks: z.array(OfferedBlock).max(limits.blocksPerCall),
}).refine((file) => file.blocks.reduce((sum, block) => sum + block.size, 0) === file.size, {
  message: 'size is not the sum of the block sizes',
});
export type OfferedFile = z.infer<typeof OfferedFile>;

/** POST /upload-init. Repeating it with the same `upload_id` renews the URLs and the hold on the blocks. */
export const UploadInitRequest = z.strictObject({
  /** Chosen by the client; names the upload in every later call and makes retries harmless. */
  upload_id: Uuid,
  device_id: Uuid,
  files: z.array(OfferedFile).min(1).max(limits.filesPerCall),
  /** `next` of the answer before, for the next page of blocks to send. */
  after: Hash.optional(),
});
export type UploadInitRequest = z.infer<typeof UploadInitRequest>;

/** `PUT url` with exactly these headers and the content as the body; the signature covers checksum and length. */
export const SignedPut = z.strictObject({ hash: Hash, url: z.url(), headers: z.record(z.string(), z.string()) });

/** How to send one block that the service lacks. One that is on no page is present, and pinned for the upload. */
export const BlockToSend = z.discriminatedUnion('how', [
  SignedPut.extend({ how: z.literal('put') }),
  /** Send the delta that was offered, through delta-apply. */
  z.strictObject({ hash: Hash, how: z.literal('delta') }),
  /** Somebody stores this block already: prove possession through /prove, SHA-256(nonce bytes, then content). */
  z.strictObject({ hash: Hash, how: z.literal('prove'), nonce: Hash }),
]);
export type BlockToSend = z.infer<typeof BlockToSend>;

export const UploadInitResponse = z.strictObject({
  upload_id: Uuid,
  /** Milliseconds since 1970 until which the upload and its pins live. */
  expires_at: z.int(),
  /** Files that cannot be uploaded as offered; the others are in the upload. */
  refused: z.array(z.strictObject({ path: Path, error: ItemError })),
  /** In the order of the hashes. */
  send: z.array(BlockToSend).max(limits.sendsPerPage),
  /** There are more: send these, then ask again with `after` set to this. */
  next: Hash.optional(),
});
export type UploadInitResponse = z.infer<typeof UploadInitResponse>;
