import * as z from 'zod';
import { ChangeType } from './changes.ts';
import { Attributes } from './entry.ts';
import { limits } from './limits.ts';
import { inQuery, pageLimit, Version } from './numbers.ts';
import { Path } from './path.ts';
import { Uuid } from './uuid.ts';

/**
 * GET /history?path=P: the versions of the file that is, or was last, at a path, newest first, across renames: each with
 * the path that it had, by which it is downloaded and restored.
 */
export const HistoryQuery = z.strictObject({
  device_id: Uuid,
  path: Path,
  /** Only versions below this one. */
  before: inQuery(Version).optional(),
  limit: pageLimit(limits.historyPerPage),
});
export type HistoryQuery = z.infer<typeof HistoryQuery>;

export const HistoryResponse = z.strictObject({
  versions: z.array(
    Attributes.extend({
      version: Version,
      change_type: ChangeType,
      device_id: Uuid,
      /** Milliseconds since 1970 by the database's clock. */
      created_at: z.int(),
      /** False for a tombstone. */
      restorable: z.boolean(),
    }),
  ),
  more: z.boolean(),
});
export type HistoryResponse = z.infer<typeof HistoryResponse>;
