import * as z from 'zod';
import { ItemError } from './errors.ts';
import { Cursor, MovedEntries, Version } from './numbers.ts';
import { Path } from './path.ts';
import { Uuid } from './uuid.ts';

/** What became of one file of a finalize, delete, move or restore call. */
export const CommitResult = z.union([
  z.strictObject({
    path: Path,
    version: Version,
    version_id: Uuid,
    /** Its change. */ cursor: Cursor,
    entries: MovedEntries.optional(),
  }),
  z.strictObject({ path: Path, error: ItemError }),
]);
export type CommitResult = z.infer<typeof CommitResult>;

/**
 * The answer of every call that commits. Each file commits or fails alone; when every file failed for one reason, the
 * call answers with that reason's status and an `ErrorBody` whose `details.results` holds this list.
 */
export const CommitResponse = z.strictObject({ results: z.array(CommitResult) });
export type CommitResponse = z.infer<typeof CommitResponse>;
