import * as z from 'zod';
import { limits } from './limits.ts';
import { BaseVersion, Version } from './numbers.ts';
import { Path } from './path.ts';
import { Uuid } from './uuid.ts';

/**
 * POST /restore: the content of old versions becomes new versions, each at its path of today. Answers `CommitResponse`.
 */
export const RestoreRequest = z.strictObject({
  /** Makes retries harmless. */
  request_id: Uuid,
  device_id: Uuid,
  files: z
    .array(
      z.strictObject({
        path: Path,
        /** The version to bring back, by its number at the path that it had. */
        version: Version,
        /** That path, as the history names it with the version; the same as `path` if absent. */
        from: Path.optional(),
        /** The version that is current; 0 when nothing is at the path. */
        base_version: BaseVersion,
      }),
    )
    .min(1)
    .max(limits.filesPerCall),
});
export type RestoreRequest = z.infer<typeof RestoreRequest>;
