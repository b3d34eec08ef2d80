import * as z from 'zod';
import { Entry } from './entry.ts';
import { Hash } from './hash.ts';
import { limits } from './limits.ts';
import { pageLimit } from './numbers.ts';
import { Name, Path } from './path.ts';
import { Timeline } from './timeline.ts';
import { Uuid } from './uuid.ts';

/**
 * GET /tree?path=DIR: one directory of the namespace (the root without `path`), its entries with the recursive hash of
 * each subdirectory, so that a client skips subtrees whose hash it has already.
 */
export const TreeQuery = z.strictObject({
  device_id: Uuid,
  path: Path.optional(),
  /** The last name of the previous page. */
  after: Name.optional(),
  limit: pageLimit(limits.treeEntriesPerPage),
});
export type TreeQuery = z.infer<typeof TreeQuery>;

export const TreeResponse = z.strictObject({
  /** Recursive hash of this directory, see `treeHash`. */
  hash: Hash,
  /** In the order of the UTF-8 bytes of their names. */
  entries: z.array(
    z.strictObject({
      name: Name,
      /** Absent for a directory that nobody made by itself: it is there because something lies in it. */
      entry: Entry.optional(),
      /** Of a directory: the recursive hash of what it holds. */
      tree_hash: Hash.optional(),
    }),
  ),
  /** Name to pass as `after` for the next page. */
  next: Name.optional(),
  /** Changes with a higher cursor are not in this answer. */
  cursor: z.int().min(0),
  timeline: Timeline,
});
export type TreeResponse = z.infer<typeof TreeResponse>;
