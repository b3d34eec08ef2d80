import * as z from 'zod';
import { Path } from './path.ts';
import { Uuid } from './uuid.ts';

/** POST /restore: an old version's content becomes a new version, at the path it has today. Answers `CommitResponse`. */
export const RestoreRequest = z.strictObject({
  request_id: Uuid,
  device_id: Uuid,
  path: Path,
  /** The version to bring back. */
  version: z.int().min(1),
  /** The version that is current; 0 when the file is deleted. */
  base_version: z.int().min(0),
});
export type RestoreRequest = z.infer<typeof RestoreRequest>;
