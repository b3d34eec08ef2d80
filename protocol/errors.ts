import * as z from 'zod';
import { BaseVersion } from './numbers.ts';

/** Every error code of the service with its HTTP status. A code is stable; its message is for people. */
export const errorStatus = {
  bad_request: 400,
  limit_exceeded: 400,
  /** The block list, delta or proof does not describe the content that it claims. */
  content_mismatch: 400,
  bad_delta: 400,
  unauthorized: 401,
  /** The client is older than those that the service takes: update it. */
  client_too_old: 403,
  device_revoked: 403,
  device_unknown: 403,
  /** Revoking another device takes a sign-in of the last minutes: ask for the password again. */
  fresh_sign_in_required: 403,
  too_many_devices: 403,
  quota_exceeded: 403,
  route_unknown: 404,
  not_found: 404,
  method_not_allowed: 405,
  /** `base_version` is not the current version: read the changes, then decide again. */
  stale_version: 409,
  /** The service was set back to a backup since this device read it: read the changes, then decide again. */
  other_timeline: 409,
  /** The path is taken, or its parent is a file. */
  path_conflict: 409,
  /** The upload is unknown, expired or finalized with other files. */
  upload_gone: 410,
  /** A cursor from before the oldest change that is kept: read the tree anew. */
  cursor_gone: 410,
  body_too_large: 413,
  unsupported_media_type: 415,
  /** Blocks that finalize needs are not in the store: ask upload-init again. */
  blocks_missing: 422,
  throttled: 429,
  internal: 500,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof errorStatus;
export const ErrorCode = z.enum(Object.keys(errorStatus) as [ErrorCode, ...ErrorCode[]]);

/** The body of every answer that is not 2xx. `details` depends on the code. */
export const ErrorBody = z.object({
  code: ErrorCode,
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** How one item of a batch failed; the rest of the batch is not affected. */
export const ItemError = z.strictObject({
  code: ErrorCode,
  message: z.string(),
  /** With `stale_version`: the version that is current, 0 when nothing is there. */
  current_version: BaseVersion.optional(),
});
export type ItemError = z.infer<typeof ItemError>;
