import * as z from 'zod';
import { News } from './changes.ts';
import { Hash } from './hash.ts';
import { Cursor, MovedEntries, Version } from './numbers.ts';
import { Path } from './path.ts';
import { Uuid } from './uuid.ts';

/** The event on topic `file-changed`, keyed by `user_id`. It may come twice, and late; it is never lost. */
export const FileChanged = z.strictObject({
  user_id: Uuid,
  file_path: Path,
  version: Version,
  /** A move is a `create` at the new path with `moved_from`. */
  change_type: z.enum(['create', 'update', 'delete']),
  block_hashes: z.array(Hash).optional(),
  /** Bytes of the deltas that were sent for this version; absent when there was none. */
  delta_sizes: z.array(z.int()).optional(),
  /** Milliseconds since 1970. */
  timestamp: z.int(),
  moved_from: Path.optional(),
  /** Of a directory that moved with all that is in it: the event stands for so many changes, from `cursor` on. */
  entries: MovedEntries.optional(),
  /** The user's change sequence; consumers use it to drop duplicates. */
  cursor: Cursor,
  version_id: Uuid,
  origin_device: Uuid,
  /** The change with its content, where it is the only one of its call and small. */
  news: News.optional(),
  /** API Gateway's id of the request that committed the change, by which logs are joined. */
  request_id: z.string().optional(),
});
export type FileChanged = z.infer<typeof FileChanged>;
