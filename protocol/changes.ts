import * as z from 'zod';
import { Entry } from './entry.ts';
import { Hash } from './hash.ts';
import { limits } from './limits.ts';
import { Cursor, inQuery, MovedEntries, pageLimit } from './numbers.ts';
import { Path } from './path.ts';
import { Timeline } from './timeline.ts';
import { Uuid } from './uuid.ts';

export const ChangeType = z.enum(['create', 'update', 'delete', 'move']);
export type ChangeType = z.infer<typeof ChangeType>;

/** One committed change of the user's tree. Cursors count up by one without a gap, from 1. */
export const Change = z.strictObject({
  cursor: Cursor,
  change_type: ChangeType,
  /** The entry after the change; for a delete, the entry that was removed, with the version of its tombstone. */
  entry: Entry,
  /** With `move`: where it was. */
  moved_from: Path.optional(),
  /**
   * With the `move` of a directory with all that is in it: this item stands for the moves of all that, each to the same
   * version number, in the order of the UTF-8 bytes of the paths. A cursor among them gets the others one by one.
   */
  entries: MovedEntries.optional(),
  /** The device that made the change. */
  device_id: Uuid,
  /** Milliseconds since 1970 by the database's clock. */
  timestamp: z.int(),
});
export type Change = z.infer<typeof Change>;

/** The cursor of the last of the changes that an item stands for. */
export function lastCursor({ cursor, entries = 1 }: Pick<Change, 'cursor' | 'entries'>): number {
  return cursor + entries - 1;
}

/**
 * Small contents by the hash of their block: a delta with no base, in base64, as in a download. Not all blocks of an entry
 * need to be there.
 */
const Contents = z.record(Hash, z.base64());
export type Contents = z.infer<typeof Contents>;

/** A change with its small content, as it travels with a push: what GET /changes and a download would answer. */
export const News = z.strictObject({
  change: Change,
  timeline: Timeline,
  contents: Contents,
});
export type News = z.infer<typeof News>;

/** GET /changes?cursor=N&limit=M: all changes after cursor N (0 for the beginning), in order. */
export const ChangesQuery = z.strictObject({
  device_id: Uuid,
  cursor: inQuery(z.int().min(0)),
  limit: pageLimit(limits.changesPerPage),
  /** Bytes that small contents of what other devices saved may take in the answer, in base64; none are sent if absent. */
  contents: inQuery(z.int().min(0).max(limits.contentBytesPerAnswer)).optional(),
});
export type ChangesQuery = z.infer<typeof ChangesQuery>;

export const ChangesResponse = z.strictObject({
  changes: z.array(Change),
  /** Where to go on: the cursor of the last change that the page stands for, or the one asked for. */
  cursor: z.int().min(0),
  /** Whether there is more to read now. */
  more: z.boolean(),
  timeline: Timeline,
  /** If they were asked for. */
  contents: Contents.optional(),
});
export type ChangesResponse = z.infer<typeof ChangesResponse>;
