import * as z from 'zod';
import { limits } from './limits.ts';
import { Version } from './numbers.ts';
import { Path, quotedBytes } from './path.ts';
import { Timeline } from './timeline.ts';
import { Uuid } from './uuid.ts';

/** What a deletion takes of `limits.pathBytesPerCall`. */
export function deletePathBytes({ path }: { readonly path: string }): number {
  return quotedBytes(path);
}

/**
 * POST /delete: each path leaves the tree, its history stays for 30 days. The paths of one call take
 * `limits.pathBytesPerCall` at most. Answers `CommitResponse`.
 */
export const DeleteRequest = z.strictObject({
  /** Makes retries harmless. */
  request_id: Uuid,
  device_id: Uuid,
  timeline: Timeline,
  files: z
    .array(z.strictObject({ path: Path, base_version: Version }))
    .min(1)
    .max(limits.deletesPerCall),
});
export type DeleteRequest = z.infer<typeof DeleteRequest>;
